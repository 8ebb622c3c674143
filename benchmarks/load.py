"""A client that costs little: kept connections, requests made beforehand, one thread."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

PATIENCE = 120  # seconds without any answer
READ_AT_ONCE = 262_144  # bytes; a page of 50 fits

# What connection `number` sends next; None when it has nothing left to do.
NextRequest = Callable[[int], bytes | None]


@dataclass
class Answers:
    """What came back: how long each answer took (seconds), and how many there were of each."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    elapsed: float = 0.0

    def add(self, other: "Answers") -> None:
        """Count another round's answers in."""
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.elapsed += other.elapsed

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.seconds) / self.elapsed if self.elapsed else 0.0

    def percentile(self, part: float) -> float:
        """Return the seconds that this part of the answers did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


class Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._sent = 0.0

    def send(self, request: bytes) -> None:
        """Send a request; its answer is to be received before the next."""
        self._received, self._sent = b"", time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, float, bytes] | None:
        """Read what has come; return status, seconds and the bytes once the answer is whole."""
        data = self.socket.recv(READ_AT_ONCE)
        if not data:
            raise ConnectionError(f"the server hung up after {self._received[:200]!r}")
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return None
        return int(head[9:12]), time.perf_counter() - self._sent, self._received


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if rest else 0


@contextmanager
def connected(port: int, connections: int) -> Iterator[list[Connection]]:
    """Open so many connections to a server of this machine."""
    opened = [Connection(port) for _ in range(connections)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.socket.close()


def drive(connections: list[Connection], next_request: NextRequest, seconds: float) -> Answers:
    """Keep every connection busy until the time is up or nothing is left to do."""
    answers, begun = Answers(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for number, connection in enumerate(connections):
            if request := next_request(number):
                selector.register(connection.socket, selectors.EVENT_READ, number)
                connection.send(request)
        while selector.get_map():
            ready = selector.select(PATIENCE)
            if not ready:
                raise TimeoutError(f"no answer within {PATIENCE} seconds")
            for key, _ in ready:
                answer = connections[key.data].receive()
                if answer is None:
                    continue
                status, took, _ = answer
                answers.seconds.append(took)
                answers.statuses[status] += 1
                more = time.perf_counter() - begun < seconds
                request = next_request(key.data) if more else None
                if request:
                    connections[key.data].send(request)
                else:
                    selector.unregister(key.fileobj)
    answers.elapsed = time.perf_counter() - begun
    return answers


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one request; return the status of the answer and its bytes."""
    connection = Connection(port)
    with closing(connection.socket):
        connection.send(request)
        while (answer := connection.receive()) is None:
            pass
    return answer[0], answer[2]
