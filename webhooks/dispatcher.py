"""The process that sends webhooks: fills the queues, and lets threads take turns with them."""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from time import monotonic

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from webhooks.ending import end_some
from webhooks.models import Webhook
from webhooks.queueing import fill_queues
from webhooks.sending import SendingTurn, claim, disable_those_of_inactive_owners
from webhooks.transport import Sender

LOOKS_EVERY = 0.2  # seconds: on average a new event waits for half of it
LOOKS_WITHOUT_WEBHOOKS = 2.0
SECONDS_OF_A_TURN = 5
OWNERS_EVERY = 5.0  # seconds between looks for owners whose accounts were deactivated
AFTER_AN_ERROR = 1.0  # seconds, of the database

log = logging.getLogger("timetracker.webhooks")


class Dispatcher:
    """Sends with so many threads, each with a connection to the database.

    Receivers that answer slowly have half of them at most, and the webhooks of one user no more
    than are left for others: they keep nobody else waiting.
    """

    def __init__(self, threads: int, client: Sender | None = None) -> None:
        self._threads = threads
        self._client = client or Sender()
        self._stopped, self._freed = Event(), Event()
        self._lock = Lock()
        self._turns: dict[int, SendingTurn] = {}  # by webhook

    def stop(self, *_: object) -> None:
        """Begin no more attempts; `run` returns when those under way have ended."""
        self._stopped.set()
        self._freed.set()

    def run(self) -> None:
        """Send until stopped; while the database is away, try again each second."""
        owners_due = monotonic()
        with ThreadPoolExecutor(self._threads, "sender") as pool:
            while not self._stopped.is_set():
                close_old_connections()
                try:
                    self._freed.clear()
                    if monotonic() >= owners_due:
                        disable_those_of_inactive_owners()
                        owners_due = monotonic() + OWNERS_EVERY
                    more = fill_queues() | end_some()
                    is_busy = self._begin_turns(pool.submit)
                    pause = 0 if more and not is_busy else _pause()
                except (DatabaseError, InterfaceError) as error:
                    _forget_connections(error)
                    pause = AFTER_AN_ERROR
                self._freed.wait(pause)
            all_threads = Barrier(self._threads)
            for _ in range(self._threads):
                pool.submit(_leave, all_threads)
        self._client.close()
        connections.close_all()

    def _begin_turns(self, submit: Callable[..., object]) -> bool:
        """Begin a turn with each queue that is due; return whether all threads are taken."""
        while True:
            with self._lock:
                turns = [*self._turns.values()]
            free = self._threads - len(turns)
            if not free or self._stopped.is_set():
                return True
            of_users = Counter(turn.user_id for turn in turns)
            turn = claim(
                slow_too=sum(turn.slow for turn in turns) < max(1, self._threads // 2),
                except_of=[user for user, taken in of_users.items() if taken >= free],
            )
            if turn is None:
                return False
            with self._lock:
                self._turns[turn.webhook_id] = turn
            submit(self._take, turn)

    def _take(self, turn: SendingTurn) -> None:
        ends = monotonic() + SECONDS_OF_A_TURN
        close_old_connections()
        try:
            turn.take(self._client, lambda: monotonic() < ends and not self._stopped.is_set())
        except (DatabaseError, InterfaceError) as error:
            _forget_connections(error)
        except Exception:
            log.exception("A webhook could not be sent", extra={"webhook": turn.webhook_id})
        finally:
            with self._lock:
                del self._turns[turn.webhook_id]
            self._freed.set()


def _leave(all_threads: Barrier) -> None:
    """Close the connections of a thread; the barrier keeps each to one of these calls."""
    connections.close_all()
    all_threads.wait()


def _pause() -> float:
    """Return how long to wait for news; longer where nobody asks for any."""
    is_asked_for = Webhook.objects.filter(active=True).exists()
    return LOOKS_EVERY if is_asked_for else LOOKS_WITHOUT_WEBHOOKS


def _forget_connections(error: Exception) -> None:
    log.error("The database does not answer", extra={"cause": type(error).__name__})
    connections.close_all()  # of this thread
