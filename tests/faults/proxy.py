"""A line that breaks: a TCP proxy that cuts connections at random bytes, in either direction."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LONGEST = 1200  # bytes until a cut, of a request or of an answer
KEPT_OPEN = 0.25  # of all connections


class CuttingProxy:
    """Listens on a port of its own; most connections end in the middle of something."""

    def __init__(self, port: int, seed: int) -> None:
        self.cuts = 0
        self._to = port
        self._random = random.Random(seed)  # noqa: S311 - the same each time
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def serve(self) -> None:
        """Accept connections until the listening socket is closed."""
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(caller,), daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _connect(self, caller: socket.socket) -> None:
        up = down = 10**9
        if self._random.random() > KEPT_OPEN:
            cut = self._random.randint(0, LONGEST)
            up, down = (cut, down) if self._random.random() < 0.5 else (up, cut)
        try:
            service = socket.create_connection(("127.0.0.1", self._to), timeout=30)
        except OSError:
            caller.close()
            return
        pair = (caller, service)
        for source, target, budget in ((caller, service, up), (service, caller, down)):
            arguments = (source, target, budget, pair)
            threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(
        self,
        source: socket.socket,
        target: socket.socket,
        budget: int,
        pair: tuple[socket.socket, socket.socket],
    ) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data[:budget])
                budget -= len(data)
                if budget < 0:
                    self.cuts += 1
                    break
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def broken_line(port: int, seed: int) -> Iterator[CuttingProxy]:
    """Lend a proxy to a port of this machine."""
    proxy = CuttingProxy(port, seed)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
