"""The processes of a server that is killed end by themselves."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from tests.support.servers import ROOT
from timetracker.orphans import SERVER

SERVES = """
import os, subprocess, sys, time
os.environ[sys.argv[1]] = str(os.getpid())
worker = "from timetracker.orphans import end_with_server; import time; end_with_server();"
worker += "print('ready', flush=True); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", worker])
print(process.pid, flush=True)
time.sleep(60)
"""


def test_a_process_ends_when_the_server_that_started_it_was_killed() -> None:
    command = [sys.executable, "-c", SERVES, SERVER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        assert server.stdout is not None
        lines = {server.stdout.readline().strip() for _ in range(2)}
        (pid,) = (int(line) for line in lines - {"ready"})
        os.kill(pid, 0)  # it is there
        server.kill()
        ends = time.monotonic() + 20
        try:
            # Its end of the pipe is closed with it.
            assert server.stdout.read() == ""
            assert time.monotonic() < ends
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_process_that_serve_did_not_start_watches_nobody() -> None:
    program = "import threading; from timetracker.orphans import end_with_server;"
    program += "end_with_server(); print(threading.active_count())"
    environment = {name: value for name, value in os.environ.items() if name != SERVER}
    said = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    assert said.stdout == "1\n"
