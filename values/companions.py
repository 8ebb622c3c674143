"""Processes beside a server: begun with it, begun again when they die, ended when it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from select import select

from django.db import connections

SECONDS_BEFORE_ANOTHER = 5
# A file descriptor, that of a pipe whose other end the server holds.
ENDS_WITH = "COMPANION_ENDS_WITH"


def keep_running(words: Sequence[str], at_end: Callable[[], None] = lambda: None) -> None:
    """Fork a process that keeps a Python command running for as long as this one lives.

    They are tied by a pipe into which nothing is written: its end is closed with the last process
    that holds it, however that dies; then `at_end` is called. Call it before there are threads.
    """
    connections.close_all()
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        # The server that this process becomes holds it.
        os.set_inheritable(writing, True)  # noqa: FBT003 - its only form
        return
    os.close(writing)
    for number in (signal.SIGINT, signal.SIGTERM):  # the command gets those of a terminal itself
        signal.signal(number, signal.SIG_IGN)
    environment = {**os.environ, ENDS_WITH: str(reading)}
    while not _has_ended(reading):
        subprocess.run(  # noqa: S603 - our own words
            [sys.executable, *words], env=environment, pass_fds=[reading], check=False
        )
        if not _has_ended(reading):
            time.sleep(SECONDS_BEFORE_ANOTHER)
    at_end()
    os._exit(0)


def when_server_ends(stop: Callable[[], None]) -> None:
    """Call `stop` from a thread when the server that keeps this process running has ended."""
    pipe = os.environ.get(ENDS_WITH)
    if not pipe:
        return  # it was begun by hand

    def wait() -> None:
        os.read(int(pipe), 1)  # nothing is written: it returns when the other end is closed
        stop()

    threading.Thread(target=wait, daemon=True).start()


def _has_ended(pipe: int) -> bool:
    """Return whether the other end of a pipe into which nothing is written is closed."""
    return bool(select([pipe], [], [], 0)[0])
