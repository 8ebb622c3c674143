"""The sender of webhooks: how soon, how many a second, and beside a million that wait or end."""

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
from benchmarks.meters import cpu_seconds
from benchmarks.operations import EXTRAS, POST, request
from benchmarks.services import Installation, Service, Stores, installed, python, serving
from tests.support.servers import ROOT

ALLOWED = {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
BULK = next(each for each in EXTRAS if each.key == "bulk")
SINGLE, APART = 200, 0.05  # entries to time, and seconds between them
DELIVERIES = 10_000  # of bulks of 500 entries
MANY_RECEIVERS = 10
SLOW = 2.0  # seconds, in which the slow receiver answers
WAITING = 1_000_000
SLICES, SECONDS = 5, 1.5
TURNS = 12  # of writes with webhooks and without
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """Answers everything with 204, in one thread; notes when each event arrived."""

    def __init__(self, pause: float = 0) -> None:
        self._pause = pause
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
            if self._pause:
                threading.Timer(self._pause, connection.sendall, [ANSWER]).start()
            else:
                connection.sendall(ANSWER)


def webhooks(stores: Stores, database: str, entries: int) -> None:
    """Measure latency and throughput with one and ten receivers, and the writes meanwhile."""
    settings = {**stores.settings(database), **ALLOWED}
    installation = installed("webhooks", ROOT, settings, entries)
    receiver, url = Receiver(), settings["DATABASE_URL"]
    with serving(installation) as service:
        bench = Bench(service, stores)
        bench.warm([POST])
        _connect(service, receiver.port)
        _print_speed("one receiver", 1, service, installation, receiver)
        for _ in range(MANY_RECEIVERS - 1):
            _connect(service, receiver.port)
        _print_speed("ten receivers", MANY_RECEIVERS, service, installation, receiver)
        _print_writes(bench, url)
        _print_beside_bad_ones(service, installation, receiver, url)
        _print_beside_waiting(bench, installation, receiver, url)


def _print_speed(
    title: str, receivers: int, service: Service, installation: Installation, receiver: Receiver
) -> None:
    with sending(installation):
        _print_latency(title, service, receiver, receivers)
    _print_throughput(title, receivers, service, installation, receiver)


def _print_writes(bench: Bench, url: str) -> None:
    """Print what a write costs with ten webhooks beside what it costs with none, in turns."""
    costs: dict[int, list[float]] = {MANY_RECEIVERS: [], 0: []}
    for turn in range(TURNS):
        for active in sorted(costs, reverse=bool(turn % 2)):
            _only(url, active)
            bench.costs.clear()
            bench.slice(POST, MANY, SECONDS)
            costs[active].append(bench.cost(POST).total)
    ten, none = (statistics.median(found) for found in costs.values())
    print(f"POST with ten webhooks: {ten:.2f} ms, {ten / none:.2f} of none", flush=True)


def _print_beside_bad_ones(
    service: Service, installation: Installation, receiver: Receiver, url: str
) -> None:
    """Print how soon events reach eight receivers beside a dead and a slow one."""
    _only(url, MANY_RECEIVERS - 2)
    slow = Receiver(SLOW)
    _connect(service, slow.port)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as dead:
        port: int = dead.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # nobody accepts it, nor any other
            _connect(service, port)
            with sending(installation):
                time.sleep(10)  # what the slices wrote is in nobody's queue any more
                _print_latency(
                    "eight of ten, one dead and one slow",
                    service,
                    receiver,
                    MANY_RECEIVERS - 2,
                )
    print(f"the slow one had {len(slow.arrived)}", flush=True)


def _print_beside_waiting(
    bench: Bench, installation: Installation, receiver: Receiver, url: str
) -> None:
    """Print what a million waiting deliveries cost others, and what it costs to end them."""
    service = bench.service
    _only(url, 1)
    bench.costs.clear()
    for _ in range(SLICES):
        bench.slice(POST, MANY, SECONDS)
    before = bench.cost(POST).least
    away = _let_wait(url)
    bench.costs.clear()
    for _ in range(SLICES):
        bench.slice(POST, MANY, SECONDS)
    print(f"POST beside {WAITING:,} that wait: {bench.cost(POST).least / before:.2f} of before")
    _print_next(url)
    with sending(installation):
        receiver.arrived.clear()
        time.sleep(10)  # what the slices wrote goes first
        _print_latency(f"one receiver beside {WAITING:,} that wait", service, receiver)
        for state in ("false", "true"):
            _print_request(f"active: {state}", service, "PATCH", away, {"active": state == "true"})
        _print_latency("one receiver while they end", service, receiver)
        _print_seconds("given up", url, "webhooks_ending")
        _print_request("DELETE", service, "DELETE", away, None)
        _print_latency("one receiver while they are deleted", service, receiver)
        _print_seconds("deleted", url, f"webhooks_delivery WHERE webhook_id = {away}")


def _print_request(
    title: str, service: Service, method: str, pk: int, body: dict[str, object] | None
) -> None:
    began = time.perf_counter()
    token = service.cast.administrators[0]
    status, answer = ask(service.port, request(method, f"/webhooks/{pk}", token, body))
    if status != 200:
        raise RuntimeError(answer.decode())
    milliseconds = 1000 * (time.perf_counter() - began)
    print(f"{title} of {WAITING:,} that wait: {milliseconds:.0f} ms", flush=True)


def _print_seconds(title: str, url: str, rows: str) -> None:
    """Print how long it takes until there are no more such rows."""
    began = time.perf_counter()
    sql = f"SELECT EXISTS (SELECT 1 FROM {rows})"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(sql.encode()).fetchone() == (True,):
            time.sleep(1)
    print(f"all {title}: {time.perf_counter() - began:.0f} s after that", flush=True)


@contextmanager
def sending(installation: Installation) -> Iterator[int]:
    """Run a sender; lend its process."""
    tree = installation.tree
    command = [python(tree), "manage.py", "send_webhooks"]
    process = subprocess.Popen(command, cwd=tree, env=installation.environment)
    try:
        time.sleep(2)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _connect(service: Service, port: int) -> None:
    url = f"http://127.0.0.1:{port}/"
    body = {"url": url, "events": ["time_entry.created"]}
    token = service.cast.administrators[0]
    status, answer = ask(service.port, request("POST", "/webhooks", token, body))
    if status != 201:
        raise RuntimeError(answer.decode())


def _print_latency(title: str, service: Service, receiver: Receiver, receivers: int = 1) -> None:
    """Print the seconds from an answer to the arrival of its event."""
    receiver.arrived.clear()
    answered: dict[int, float] = {}
    random = Random(1)
    for number in range(SINGLE):
        _, answer = ask(service.port, POST.build(service.cast, random, number))
        body = json.loads(answer.partition(b"\r\n\r\n")[2])
        answered[body["time_entry"]["id"]] = time.perf_counter()
        time.sleep(APART)
    receiver.wait_for(SINGLE * receivers)
    took = [
        at - answered[pk]
        for at, body in receiver.arrived
        if (pk := json.loads(body)["data"]["time_entry"]["id"]) in answered
    ]
    ordered = sorted(took)
    print(
        f"latency, {title}: median {statistics.median(ordered):.2f} s, "
        f"p99 {ordered[int(0.99 * len(ordered))]:.2f} s of {len(ordered)}",
        flush=True,
    )


def _print_throughput(
    title: str, receivers: int, service: Service, installation: Installation, receiver: Receiver
) -> None:
    """Print how fast a sender empties queues that are full when it starts."""
    receiver.arrived.clear()
    random = Random(2)
    bulks = iter(
        [
            BULK.build(service.cast, random, number)
            for number in range(DELIVERIES // 500 // receivers)
        ]
    )
    with connected(service.port, 1) as opened:
        drive(opened, lambda _: next(bulks, None), float("inf"))
    with sending(installation) as sender:
        receiver.wait_for(DELIVERIES)
        used = cpu_seconds(sender)
    seconds = receiver.arrived[-1][0] - receiver.arrived[0][0]
    print(
        f"throughput, {title}: {DELIVERIES:,} deliveries in {seconds:.1f} s, "
        f"{DELIVERIES / seconds:.0f} a second; "
        f"{1000 * used / DELIVERIES:.2f} ms of the sender's CPU each",
        flush=True,
    )


def _only(url: str, count: int) -> None:
    """Let so many of the webhooks be active; they begin with what is written from now on."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE webhooks_webhook SET active = id IN"
            " (SELECT id FROM webhooks_webhook ORDER BY id LIMIT %s)",
            [count],
        )
        connection.execute(
            "UPDATE webhooks_queue SET position = (SELECT last_seq FROM changes_feed)"
            " + (SELECT count(*) FROM changes_change WHERE seq IS NULL)"
        )


def _let_wait(url: str) -> int:
    """Give a webhook whose receiver is away a million deliveries that wait; return its id."""
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
        found = connection.execute(
            "UPDATE webhooks_webhook SET active = true"
            " WHERE id = (SELECT max(id) FROM webhooks_webhook) RETURNING id"
        ).fetchone()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE webhooks_delivery")
    return int(found[0]) if found else 0


def _print_next(url: str) -> None:
    """Print the milliseconds in which the database finds what is sent next."""
    with psycopg.connect(url) as connection:
        plan = connection.execute(
            """
            EXPLAIN (ANALYZE, FORMAT JSON)
            SELECT * FROM webhooks_delivery
            WHERE webhook_id = (SELECT max(id) FROM webhooks_webhook)
                AND activation = 0 AND state = 'waiting' AND seq IS NOT NULL
            ORDER BY seq, id LIMIT 1
            """
        ).fetchone()
    print(f"next of {WAITING:,}: {plan[0][0]['Execution Time']:.2f} ms")  # type: ignore[index]
