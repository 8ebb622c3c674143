"""The sender beside a server: begun with it, begun again when it dies, ended when it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from select import select

from django.db import connections

from webhooks.management.commands.send_webhooks import ENDS_WITH

SECONDS_BEFORE_ANOTHER = 5


def keep_sending(script: Path) -> None:
    """Fork a process that keeps a sender running for as long as this one lives.

    They are tied by a pipe into which nothing is written: its end is closed with the last process
    that holds it, however that dies. Call it before there are threads.
    """
    connections.close_all()
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        # The server that this process becomes holds it.
        os.set_inheritable(writing, True)  # noqa: FBT003 - its only form
        return
    os.close(writing)
    for number in (signal.SIGINT, signal.SIGTERM):  # the sender gets those of a terminal itself
        signal.signal(number, signal.SIG_IGN)
    command = [sys.executable, str(script), "send_webhooks"]
    environment = {**os.environ, ENDS_WITH: str(reading)}
    while not _has_ended(reading):
        subprocess.run(command, env=environment, pass_fds=[reading], check=False)  # noqa: S603
        if not _has_ended(reading):
            time.sleep(SECONDS_BEFORE_ANOTHER)
    os._exit(0)


def _has_ended(pipe: int) -> bool:
    """Return whether the other end of a pipe into which nothing is written is closed."""
    return bool(select([pipe], [], [], 0)[0])
