"""What client generators make of the OpenAPI document works, against a live service.

Each client is generated, checked by the strict checker of its language, and run: it lists,
creates, updates with `If-Match`, gets a 409 and a 412, and runs the timer. The generators come
from the package indexes that pip and npm are set up for; what cannot be had is skipped by name.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.harness import serving, stored_in
from tests.support.servers import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the same on each database"),
]

DRIVERS = Path(__file__).parent / "drivers"
SCHEMA = ROOT / "schema.yml"
PYTHON_PACKAGES = (
    "openapi-python-client==0.29.1",
    "openapi-generator-cli==7.26.0",  # with its jar
    "mypy==2.3.*",
    *("types-python-dateutil", "urllib3>=2", "python-dateutil", "typing-extensions"),
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the TypeScript generators and drivers."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("no node and npm")
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(DRIVERS, folder, dirs_exist_ok=True)
    options = ("--no-audit", "--no-fund", "--ignore-scripts")
    if _failed("npm", "install", *options, within=folder):
        pytest.skip("npm cannot install openapi-typescript and @hey-api/openapi-ts")
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Python generators in a virtual environment, and the drivers."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(DRIVERS, folder, dirs_exist_ok=True)
    if _failed(sys.executable, "-m", "venv", "venv", within=folder) or _failed(
        "venv/bin/python", "-m", "pip", "install", "--quiet", *PYTHON_PACKAGES, within=folder
    ):
        pytest.skip(f"pip cannot install {', '.join(PYTHON_PACKAGES)}")
    return folder


def test_openapi_typescript(node: Path) -> None:
    _run("npx", "openapi-typescript", SCHEMA, "-o", "openapi-typescript/schema.d.ts", within=node)
    _check_and_run_typescript(node, "openapi_typescript")


def test_hey_api(node: Path) -> None:
    options = ("-i", SCHEMA, "-o", "hey-api", "-c", "@hey-api/client-fetch")
    _run("npx", "openapi-ts", *options, within=node)
    _check_and_run_typescript(node, "hey_api")


def test_openapi_python_client(python: Path) -> None:
    name = "generated_openapi_python_client"
    options = ("--path", SCHEMA, "--output-path", name, "--meta", "none", "--fail-on-warning")
    (python / "config.yml").write_text("post_hooks: []\n")
    generate = ("venv/bin/openapi-python-client", "generate", "--config", "config.yml")
    _run(*generate, *options, within=python)
    _check_and_run_python(python, "openapi_python_client", "--strict", name)


def test_openapi_generator_for_python(python: Path) -> None:
    name = "generated_openapi_generator_python"
    _openapi_generator(python, "python", python, f"packageName={name}")
    # Its own code is not written for a strict checker; the driver that uses it is checked.
    options = ("--strict", "--follow-imports=silent", "--implicit-reexport")
    _check_and_run_python(python, "openapi_generator_python", *options)


def test_openapi_generator_for_typescript_fetch(node: Path, python: Path) -> None:
    _openapi_generator(python, "typescript-fetch", node / "typescript-fetch", "")
    _check_and_run_typescript(node, "typescript_fetch")


def _openapi_generator(python: Path, language: str, to: Path, properties: str) -> None:
    if shutil.which("java") is None:
        pytest.skip("no java for openapi-generator")
    # It makes calls of our own of the events that we send, with code that does not compile.
    text = SCHEMA.read_text()
    schema = to.parent / f"{language}.yml"
    schema.write_text(text[: text.index("\nwebhooks:\n") + 1])
    command = ("venv/bin/openapi-generator-cli", "generate", "-i", schema, "-g", language)
    _run(*command, "-o", to, f"--additional-properties={properties}", within=python)


def _check_and_run_typescript(folder: Path, driver: str) -> None:
    _run("npx", "tsc", "--project", _project_of(folder, driver), within=folder)
    _against_a_live_service("node", f"built/{driver}.js", within=folder)


def _project_of(folder: Path, driver: str) -> Path:
    project = folder / f"{driver}.json"
    project.write_text(f'{{"extends": "./tsconfig.json", "files": ["{driver}.ts"]}}')
    return project


def _check_and_run_python(folder: Path, driver: str, *options: str) -> None:
    _run("venv/bin/mypy", *options, f"{driver}.py", within=folder)
    _against_a_live_service("venv/bin/python", f"{driver}.py", within=folder)


def _against_a_live_service(*command: str, within: Path) -> None:
    with stored_in("sqlite") as database, serving(database) as service:
        url = f"http://127.0.0.1:{service.ports[0]}"
        _run(*command, url, service.administrators[0], within=within)


def _run(*command: str | Path, within: Path) -> None:
    ran = subprocess.run(command, cwd=within, capture_output=True, text=True)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"


def _failed(*command: str | Path, within: Path) -> bool:
    ran = subprocess.run(command, cwd=within, capture_output=True, text=True)
    return ran.returncode != 0
