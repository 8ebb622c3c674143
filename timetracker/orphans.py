"""A server's processes end with the one that started them, however that dies."""

import os
import signal
import threading
import time

SERVER = "SERVER_PID"  # set by `serve`: the process that starts the others
LOOKS_EVERY = 1.0  # seconds
SECONDS_TO_FINISH = 25.0  # for requests under way


def end_with_server() -> None:
    """End this process when the server has ended, if `serve` started it.

    A server that is killed (`kill -9`, no memory left) tells nobody, and its processes would hold
    the port.
    """
    if server := os.environ.get(SERVER):
        threading.Thread(target=_watch, args=(int(server),), daemon=True).start()


def _watch(server: int) -> None:
    while os.getppid() == server:
        time.sleep(LOOKS_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_FINISH)
    os.kill(os.getpid(), signal.SIGKILL)
