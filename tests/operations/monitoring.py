"""Prometheus scrapes a server of two processes: every request is counted, every file loads."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.harness import (
    Answer,
    Service,
    Verdict,
    at_once,
    run,
    serving,
    statuses,
    stored_in,
)
from tests.support.servers import ROOT, NoServer, free_port, redis_of_our_own, wait_for_port

FILES = ROOT / "monitoring"
TESTS_OF_ALERTS = ROOT / "tests" / "operations" / "alerts_test.yml"
PROCESSES = 2
CALLERS, REQUESTS = 4, 25
SAMPLE = re.compile(r"^timetracker_request_seconds_count\{(.*)\} (\S+)$", re.M)
WRONG = "tt_" + 32 * "0"


def get(url: str) -> str:
    """Return the body of an answer."""
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own
        return str(answer.read().decode())


def counted(metrics: str) -> dict[str, int]:
    """Return how many requests of each route and status were counted."""
    found = {}
    for labels, count in SAMPLE.findall(metrics):
        values = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        key = f"{values['method']} {values['route']} {values['status']}"
        found[key] = int(float(count))
    return found


def loaded(service: Service) -> list[Answer]:
    """Send many requests over new connections, so that each process gets some."""

    def ask(number: int) -> list[Answer]:
        good, wrong = (service.callers(token, keeps=False)[0] for token in ("", WRONG))
        path = f"/api/v1/projects/{service.project}"
        answers = [good.send("GET", path) for _ in range(REQUESTS)]
        return [*answers, wrong.send("GET", f"/api/v1/projects/{number + 1}")]

    calls = [partial(ask, number) for number in range(CALLERS)]
    return [answer for answers in at_once(calls) for answer in answers]


def every_request(verdict: Verdict, service: Service, address: str) -> None:
    """Load both processes, kill one, and load what comes in its place."""
    sent = loaded(service)
    os.kill(process_of(counters_of(service)[0]), signal.SIGKILL)
    give_up = time.monotonic() + 60
    while len(counters_of(service)) < PROCESSES + 1 and time.monotonic() < give_up:
        sent += loaded(service)
    metrics = get(f"http://{address}/metrics")
    found = counted(metrics)
    expected = {
        f"GET /api/v1/projects/{{id}} {status}": sum(a.status == status for a in sent)
        for status in (200, 401, 429)
    }
    lost = sum(answer.status == 0 for answer in sent)
    verdict.line(
        "two processes, one killed",
        {"answers": statuses(sent), "counted by processes": len(counters_of(service))},
        each_counted_once=all(
            count <= found.get(key, 0) <= count + lost for key, count in expected.items()
        ),
        over_all_processes=len(counters_of(service)) > PROCESSES,
        refusals_counted='event="Credentials refused"' in metrics,
        not_public=service.callers()[0].send("GET", "/metrics").status == 404,
    )


def process_of(file: Path) -> int:
    """Return the process that counts in a file."""
    return int(file.stem.partition("_")[2])


def counters_of(service: Service) -> list[Path]:
    """Return the files in which the processes of the server count requests, or did."""
    environment = Path(f"/proc/{service.processes[0].pid}/environ").read_bytes().decode()
    folder = re.findall(r"PROMETHEUS_MULTIPROC_DIR=([^\0]+)", environment)[0]
    return list(Path(folder).glob("histogram_*.db"))


@contextmanager
def prometheus(address: str) -> Iterator[str]:
    """Run Prometheus with our files; return its address."""
    program, port = shutil.which("prometheus"), free_port()
    if program is None:
        raise NoServer("no prometheus")
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        folder = Path(name)
        shutil.copy(FILES / "alerts.yml", folder)
        configuration = (FILES / "prometheus.yml").read_text()
        configuration = configuration.replace("127.0.0.1:9464", address).replace("15s", "1s")
        (folder / "prometheus.yml").write_text(configuration)
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def ask_prometheus(address: str, path: str, **query: str) -> Any:
    """Return the data of an answer of Prometheus."""
    return json.loads(get(f"{address}/api/v1/{path}?{urllib.parse.urlencode(query)}"))["data"]


def expressions() -> list[str]:
    """Return the queries of the dashboard."""
    dashboard = json.loads((FILES / "dashboard.json").read_text())
    return [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def scraped(verdict: Verdict, service: Service, address: str) -> None:
    """Let a real Prometheus scrape, and ask it what the dashboard and the alerts ask."""
    with prometheus(address) as server:
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up:
            service.callers()[0].send("GET", "/api/v1/users/me")
            service.callers(WRONG)[0].send("GET", "/api/v1/users/me")
            up = ask_prometheus(server, "query", query='sum(up{job="timetracker"})')["result"]
            empty = [e for e in expressions() if not queried(server, e)]
            if up and up[0]["value"][1] == "1" and len(empty) <= 1:
                break
            time.sleep(0.5)
        rules = ask_prometheus(server, "rules")["groups"][0]["rules"]
        verdict.line(
            "Prometheus",
            {"queries of the dashboard": len(expressions()), "without data": empty},
            scraped=bool(up) and up[0]["value"][1] == "1",
            # There is no series of failing requests where none failed.
            every_query_has_data=[e for e in empty if "5.." not in e] == [],
            rules_evaluated={rule["health"] for rule in rules} == {"ok"},
            nothing_fires={rule["state"] for rule in rules} <= {"inactive", "pending"},
        )


def queried(server: str, expression: str) -> bool:
    """Return whether a query has an answer; raises where Prometheus does not understand it."""
    return bool(ask_prometheus(server, "query", query=expression)["result"])


def files_load(verdict: Verdict, address: str) -> None:
    """Let promtool look at our files, and try the alerts on an outage and on an ordinary day."""
    promtool = shutil.which("promtool")
    if promtool is None:
        raise NoServer("no promtool")
    with tempfile.TemporaryDirectory(prefix="timetracker-") as name:
        for path in (FILES / "alerts.yml", TESTS_OF_ALERTS):
            shutil.copy(path, name)
        codes = {
            "config": [promtool, "check", "config", str(FILES / "prometheus.yml")],
            "alerts": [promtool, "test", "rules", f"{name}/{TESTS_OF_ALERTS.name}"],
            "metrics": [promtool, "check", "metrics"],
        }
        metrics = get(f"http://{address}/metrics")
        ran = {
            what: subprocess.run(command, input=metrics, capture_output=True, text=True)
            for what, command in codes.items()
        }
    said = {what: each.stdout + each.stderr for what, each in ran.items() if each.returncode}
    verdict.line("promtool", {"complaints": said}, no_complaint=not said)


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Start a server with two processes, count, kill, and scrape."""
    for _ in range(count):
        with ExitStack() as lent:
            address = f"127.0.0.1:{free_port()}"
            redis = lent.enter_context(redis_of_our_own())
            database = lent.enter_context(stored_in(kind))
            settings = {"METRICS_ADDRESS": address, "REDIS_URL": redis.url}
            service = lent.enter_context(serving(database, 1, 1, PROCESSES, **settings))
            every_request(verdict, service, address)
            files_load(verdict, address)
            scraped(verdict, service, address)


if __name__ == "__main__":
    sys.exit(run("monitoring", rounds, databases=("postgresql",), folder="operations"))
