"""The sender of webhooks: how soon, how many a second, and beside a million that wait."""

import json
import selectors
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import psycopg

from benchmarks.load import ask, connected, drive
from benchmarks.measure import MANY, Bench
from benchmarks.operations import EXTRAS, POST, request
from benchmarks.services import Installation, Service, Stores, installed, python, serving
from tests.support.servers import ROOT

ALLOWED = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
BULK = next(each for each in EXTRAS if each.key == "bulk")
SINGLE, APART = 200, 0.05  # entries to time, and seconds between them
BULKS = 20  # of 500 entries
MANY_RECEIVERS = 10
WAITING = 1_000_000
SLICES, SECONDS = 5, 1.5
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """Answers everything with 204, in one thread; notes when each event arrived."""

    def __init__(self) -> None:
        self.arrived: list[tuple[float, bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, bytearray())
        threading.Thread(target=self._serve, daemon=True).start()

    def wait_for(self, count: int) -> None:
        """Return when so many have arrived."""
        while len(self.arrived) < count:
            time.sleep(0.01)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                connection: socket.socket = key.fileobj  # type: ignore[assignment] # what we put in
                if connection is self._listener:
                    accepted, _ = connection.accept()
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._selector.register(accepted, selectors.EVENT_READ, bytearray())
                elif part := connection.recv(65536):
                    key.data.extend(part)
                    self._answer(connection, key.data)
                else:
                    self._selector.unregister(connection)
                    connection.close()

    def _answer(self, connection: socket.socket, received: bytearray) -> None:
        head, found, body = received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if found and len(body) >= int(length):
            self.arrived.append((time.perf_counter(), bytes(body)))
            received.clear()
            connection.sendall(ANSWER)


def webhooks(stores: Stores, database: str, entries: int) -> None:
    """Measure latency and throughput with one and ten receivers, and the writes meanwhile."""
    settings = {**stores.settings(database), **ALLOWED}
    installation = installed("webhooks", ROOT, settings, entries)
    receiver = Receiver()
    with serving(installation) as service:
        bench = Bench(service, stores)
        bench.warm([POST])
        _connect(service, receiver)
        with sending(installation):
            _print_latency("one receiver", service, receiver)
        _print_throughput("one receiver", 1, service, installation, receiver)
        for _ in range(MANY_RECEIVERS - 1):
            _connect(service, receiver)
        _print_throughput("ten receivers", MANY_RECEIVERS, service, installation, receiver)
        url = settings["DATABASE_URL"]
        _only_one_receives(url)
        for _ in range(SLICES):
            bench.slice(POST, MANY, SECONDS)
        before = bench.cost(POST).least
        _let_wait(url)
        bench.costs.clear()
        for _ in range(SLICES):
            bench.slice(POST, MANY, SECONDS)
        print(
            f"POST beside {WAITING:,} that wait: {bench.cost(POST).least / before:.2f} of before"
        )
        with sending(installation):
            receiver.arrived.clear()
            time.sleep(10)  # what the slices wrote goes first
            _print_latency(f"one receiver beside {WAITING:,} that wait", service, receiver)
        _print_next(url)


@contextmanager
def sending(installation: Installation) -> Iterator[None]:
    """Run a sender."""
    tree = installation.tree
    command = [python(tree), "manage.py", "send_webhooks"]
    process = subprocess.Popen(command, cwd=tree, env=installation.environment)
    try:
        time.sleep(2)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _connect(service: Service, receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.port}/"
    body = {"url": url, "events": ["time_entry.created"]}
    token = service.cast.administrators[0]
    status, answer = ask(service.port, request("POST", "/webhooks", token, body))
    if status != 201:
        raise RuntimeError(answer.decode())


def _print_latency(title: str, service: Service, receiver: Receiver) -> None:
    """Print the seconds from an answer to the arrival of its event."""
    receiver.arrived.clear()
    answered: dict[int, float] = {}
    random = Random(1)
    for number in range(SINGLE):
        _, answer = ask(service.port, POST.build(service.cast, random, number))
        body = json.loads(answer.partition(b"\r\n\r\n")[2])
        answered[body["time_entry"]["id"]] = time.perf_counter()
        time.sleep(APART)
    receiver.wait_for(SINGLE)
    took = [
        at - answered[pk]
        for at, body in receiver.arrived
        if (pk := json.loads(body)["data"]["time_entry"]["id"]) in answered
    ]
    ordered = sorted(took)
    print(
        f"latency, {title}: median {statistics.median(ordered):.2f} s, "
        f"p99 {ordered[int(0.99 * len(ordered))]:.2f} s of {len(ordered)} entries",
        flush=True,
    )


def _print_throughput(
    title: str, receivers: int, service: Service, installation: Installation, receiver: Receiver
) -> None:
    """Print how fast a sender empties queues that are full when it starts."""
    receiver.arrived.clear()
    random = Random(2)
    bulks = iter([BULK.build(service.cast, random, number) for number in range(BULKS)])
    with connected(service.port, 1) as opened:
        drive(opened, lambda _: next(bulks, None), float("inf"))
    expected = BULKS * 500 * receivers
    with sending(installation):
        receiver.wait_for(expected)
    first, last = receiver.arrived[0][0], receiver.arrived[-1][0]
    print(
        f"throughput, {title}: {expected:,} deliveries in {last - first:.1f} s, "
        f"{expected / (last - first):.0f} a second",
        flush=True,
    )


def _only_one_receives(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE webhooks_webhook SET active = false"
            " WHERE id > (SELECT min(id) FROM webhooks_webhook)"
        )


def _let_wait(url: str) -> None:
    """Give a webhook whose receiver is away a million deliveries that wait."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            WITH away AS (
                UPDATE webhooks_queue SET paused_until = now() + interval '1 hour', wake_at = now()
                WHERE webhook_id = (SELECT max(id) FROM webhooks_webhook) RETURNING webhook_id
            )
            INSERT INTO webhooks_delivery (
                webhook_id, message_id, event, seq, object_id, state, tries, attempts, created_at
            )
            SELECT
                webhook_id, 'msg_' || md5(n::text), 'time_entry.created', 1000000000 + n, n,
                'waiting', 0, '[]', now()
            FROM away, generate_series(1, %s) AS n
            """,
            [WAITING],
        )
        connection.execute(
            "UPDATE webhooks_webhook SET active = true"
            " WHERE id = (SELECT max(id) FROM webhooks_webhook)"
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE webhooks_delivery")


def _print_next(url: str) -> None:
    """Print the milliseconds in which the database finds what is sent next."""
    with psycopg.connect(url) as connection:
        plan = connection.execute(
            """
            EXPLAIN (ANALYZE, FORMAT JSON)
            SELECT * FROM webhooks_delivery
            WHERE webhook_id = (SELECT max(id) FROM webhooks_webhook)
                AND state = 'waiting' AND seq IS NOT NULL
            ORDER BY seq, id LIMIT 1
            """
        ).fetchone()
    print(f"next of {WAITING:,}: {plan[0][0]['Execution Time']:.2f} ms")  # type: ignore[index]
