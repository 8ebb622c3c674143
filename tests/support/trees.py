"""Other trees of this repository in a folder of their own, and commands that run in them."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ROOT, SETTINGS

# A pool would need another package too.
ENVIRON = """
from psycopg.conninfo import conninfo_to_dict

class Env:
    @staticmethod
    def db_url_config(address):
        given = conninfo_to_dict(address)
        names = ("dbname", "user", "password", "host", "port")
        settings = {name.removeprefix("db").upper(): given.get(name, "") for name in names}
        return {"ENGINE": "django.db.backends.postgresql", **settings, "OPTIONS": {"pool": False}}
"""


def copy_of_this(folder: Path) -> Path:
    """Copy what git knows of this checkout, as it stands in the working tree."""
    for name in filter(None, _git("ls-files", "-z").decode().split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def checkout_of(commit: str, folder: Path) -> Path:
    """Unpack a commit; the test is skipped where the clone is too shallow to have it."""
    if not has_commit(commit):
        pytest.skip(f"{commit} is not in this clone")
    return unpack(commit, folder)


def has_commit(commit: str) -> bool:
    """Return whether the clone has a commit."""
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return not subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


def unpack(commit: str, folder: Path) -> Path:
    """Unpack a commit."""
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=_git("archive", commit), check=True)
    return folder


def environ_package(folder: Path) -> Path:
    """Make the part of django-environ that releases before 1.1.0 use, which is not installed."""
    folder.mkdir()
    (folder / "environ.py").write_text(ENVIRON)
    return folder


def run(tree: Path, *arguments: str | Path, **settings: str) -> str:
    """Run today's Python in a tree, with these settings alone; return what it prints."""
    done = attempt(tree, *arguments, **settings)
    assert done.returncode == 0, done.stdout
    return done.stdout


def attempt(
    tree: Path, *arguments: str | Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    """As `run`, for what may fail."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment_of(settings),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def kill_at(said: str, tree: Path, *arguments: str | Path, **settings: str) -> None:
    """As `run`, but with kill -9 when it prints a line that begins so."""
    with subprocess.Popen(
        [sys.executable, "-u", *arguments],
        cwd=tree,
        env=environment_of(settings),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith(said):
                process.kill()
    assert process.returncode == -signal.SIGKILL, "".join(lines)


def environment_of(settings: dict[str, str]) -> dict[str, str]:
    """Return the environment with these settings alone."""
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return inherited | settings


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    return done.stdout
