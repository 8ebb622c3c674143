"""A name means one thing: no two modules define a class of the same name."""

import ast
import subprocess
from collections import defaultdict

from tests.support.servers import ROOT

OUTSIDE = ("tests/", "benchmarks/", "docs/")
# Django looks these up by their names.
OF_DJANGO = {"Command", "DatabaseWrapper"}


def test_no_two_classes_share_a_name() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    homes = defaultdict(list)
    for path in listed.stdout.split():
        if path.startswith(OUTSIDE) or "/migrations/" in path or not (ROOT / path).exists():
            continue
        for node in ast.parse((ROOT / path).read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name not in OF_DJANGO:
                homes[node.name].append(path)
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
