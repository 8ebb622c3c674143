"""A short run of each fault script, on the database of the leg of `make test`."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.faults.harness import SKIPPED
from tests.support.servers import ROOT

# What does not depend on the database runs in one leg only.
SCRIPTS = {
    "sqlite": [
        "kill9",
        "sender_killed",
        "retries",
        "sigterm",
        "races",
        "limit_over_processes",
        "redis_away",
        "fuzz",
        "offline",
        "costs",
        "compressing_proxies",
    ],
    "postgresql": [
        "kill9",
        "sender_killed",
        "retries",
        "races",
        "database_restart",
        "standby_away",
        "topology",
        "fuzz",
        "costs",
    ],
}


@pytest.mark.parametrize("script", SCRIPTS[connection.vendor])
def test_promise_is_kept(script: str) -> None:
    module = f"tests.faults.{script}"
    count = "0" if script == "fuzz" else "1"
    command = [sys.executable, "-m", module, "--rounds", count, "--database", connection.vendor]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if ran.returncode == SKIPPED:
        pytest.skip(ran.stdout.strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr
