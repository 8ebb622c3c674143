"""Turns: one token cannot occupy the service, however many requests it sends at once.

A process has more threads than may work at a time. Few of a token's requests work; the others wait
here without using the processor or a lock, and further ones are refused. So another token finds a
thread and is next. Counts are per process.
"""

import threading
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http.response import HttpResponseBase, StreamingHttpResponse

from api.exceptions import TooManyAtOnce

# One in so many of those that work in a process may be of one token. With two of four, another
# user's answers took five times as long beside 24 of the dearest on PostgreSQL; with one, twice.
SHARE = 4


@dataclass(eq=False)
class Turn:
    """A request's place in the queue and, later, its turn to work."""

    owner: Hashable
    turns: "Turns"
    begins: threading.Event | None = None  # if it has to wait, as few have
    has_place: bool = True
    works: bool = False

    def work_ended(self) -> None:
        """Let the next request work, while this response is still being sent."""
        self.turns.end_work(self)

    def end(self) -> None:
        """Give back the place; idempotent."""
        self.turns.end(self)


class Turns:
    """The places and turns of one process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a collected answer may give back its place anywhere
        self._places: Counter[Hashable] = Counter()
        self._working: Counter[Hashable] = Counter()
        self._waiting: list[Turn] = []

    def take(self, owner: Hashable) -> Turn:
        """Return a turn once it has come; 429 if too many of one's requests are under way."""
        turn = Turn(owner, self)
        with self._lock:
            if self._places[owner] >= settings.REQUESTS_AT_ONCE:
                raise TooManyAtOnce(settings.REQUESTS_AT_ONCE)
            self._places[owner] += 1
            if not self._has_begun(turn):
                turn.begins = threading.Event()
                self._waiting.append(turn)
        if turn.begins:
            turn.begins.wait()
        return turn

    def end_work(self, turn: Turn) -> None:
        """Take back a turn, and let others work."""
        with self._lock:
            if turn.works:
                turn.works = False
                self._less(self._working, turn.owner)
                self._let_work()

    def end(self, turn: Turn) -> None:
        """Take back a turn and its place."""
        with self._lock:
            self.end_work(turn)
            if turn.has_place:
                turn.has_place = False
                self._less(self._places, turn.owner)

    def _let_work(self) -> None:
        """Start the longest-waiting requests, within the limits per token and process."""
        for turn in [*self._waiting]:
            if turn.begins and self._has_begun(turn):
                self._waiting.remove(turn)
                turn.begins.set()

    def _has_begun(self, turn: Turn) -> bool:
        """Begin a turn if its token may work, and return whether it did."""
        threads, working = settings.THREADS, self._working[turn.owner]
        if self._working.total() < threads and working < max(1, threads // SHARE):
            self._working[turn.owner] = working + 1
            turn.works = True
        return turn.works

    def _less(self, counts: Counter[Hashable], owner: Hashable) -> None:
        counts[owner] -= 1
        if not counts[owner]:
            del counts[owner]


class Sent:
    """A response stream that keeps its request's place until it is closed."""

    def __init__(self, chunks: Iterable[bytes], turn: Turn) -> None:
        self._chunks, self._turn = chunks, turn

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        """Give back the place; Django calls it at the end of an answer, however it ends."""
        self._turn.end()

    __del__ = close  # where a server forgets to


def end_with(response: HttpResponseBase, turn: Turn) -> None:
    """End a turn with its answer: now, or when all of it is sent."""
    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        response.streaming_content = Sent(iter(response), turn)
        turn.work_ended()
    else:
        turn.end()


turns = Turns()
