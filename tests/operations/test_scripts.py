"""Each script of docs/operations.md, with the programs of Debian's packages."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.faults.harness import SKIPPED
from tests.support.servers import ROOT

SCRIPTS = [
    "monitoring",
    "pooling",
    "failover",
    "sentinel",
    "upgrade",
    "hot_rows",
    "replicas",
    "restore",
]


# Each starts the databases that it tries.
@pytest.mark.skipif(connection.vendor == "sqlite", reason="once, beside PostgreSQL")
@pytest.mark.parametrize("script", SCRIPTS)
def test_script_keeps_its_promises(script: str) -> None:
    command = [sys.executable, "-m", f"tests.operations.{script}", "--rounds", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if ran.returncode == SKIPPED:
        pytest.skip(ran.stdout.strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr
