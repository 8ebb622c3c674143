"""The map, the import contract and the image name every package, and none outgrows the others."""

import re
import tomllib
from graphlib import TopologicalSorter
from typing import Any

import grimp
import pytest

from tests.support.examples import RESOURCES
from tests.support.servers import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = PROJECT["tool"]["importlinter"]
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
LONGEST_MAP = 25  # lines
LARGEST_SHARE = 0.25


def in_layers() -> list[str]:
    (contract,) = (each for each in CONTRACTS["contracts"] if each["type"] == "layers")
    return [name for layer in contract["layers"] for name in re.split(r" [|:] ", layer)]


def in_image() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line[0] == "!" and (ROOT / line[1:]).is_dir()]


def in_map() -> list[str]:
    names = [
        name for row in map_lines() for name in re.findall(r"`(\w+)/`", row.rpartition("|")[0])
    ]
    return [name for name in names if (ROOT / name).is_dir()]


def map_lines() -> list[str]:
    """The rows of the table in CONTRIBUTING, with its head."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (section,) = re.findall(r"^## Where things are\n(.*?)^## ", text, re.M | re.S)
    return re.findall(r"^\|.*\|$", section, re.M)


@pytest.mark.parametrize(
    "named",
    [CONTRACTS["root_packages"], in_layers(), in_image()],
    ids=["roots", "layers", "image"],
)
def test_every_package_is_named_once(named: list[str]) -> None:
    assert sorted(named) == sorted(PACKAGES)


def test_the_map_has_every_package_and_can_be_seen_at_once() -> None:
    of_resources = {viewset.__module__.partition(".")[0] for viewset in RESOURCES.values()}
    assert {*in_map()} >= PACKAGES - of_resources
    assert len(map_lines()) <= LONGEST_MAP


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names them


def test_no_package_is_more_than_a_quarter_of_the_code() -> None:
    lines = {
        name: sum(
            path.read_text().count("\n")
            for path in (ROOT / name).rglob("*.py")
            if "migrations" not in path.parts
        )
        for name in PACKAGES
    }
    most = sum(lines.values()) * LARGEST_SHARE
    assert {name: count for name, count in lines.items() if count > most} == {}
