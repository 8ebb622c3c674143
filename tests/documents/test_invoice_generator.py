"""The documented invoice generator against the service, killed after any request."""

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from billing.models import Bill
from clients.models import Client
from tests.support.factories import (
    issue_token,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_user,
)
from tests.support.servers import ROOT
from timeentries.models import TimeEntry

# It only speaks HTTP; what the service does then is asked of both databases in tests/billing.
pytestmark = pytest.mark.same_on_both

PATH = ROOT / "docs" / "examples" / "invoice_generator.py"
SCOPES = ("write:time_entries", "read:clients")
FIFTY = timedelta(minutes=50)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, whose waits are noted instead of waited."""
    found = importlib.util.spec_from_file_location("invoice_generator", PATH)
    assert found
    assert found.loader
    module: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.waited = []
    monkeypatch.setattr(module.time, "sleep", module.waited.append)
    return module


class Killed(BaseException):
    """What nothing in the script catches."""


class Kill(httpx.HTTPTransport):
    """Lets so many requests through to the service, and no answer to the last of them."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        self.left -= 1
        if not self.left:
            response.close()
            raise Killed
        return response


Run = Callable[..., None]


@pytest.fixture
def secret(settings: Settings, transactional_db: None) -> str:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 10_000
    return issue_token(make_administrator(), *SCOPES, "read:reports")[1]


@pytest.fixture
def api(live_server: LiveServer, secret: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server.url, headers={"X-API-Key": secret}) as client:
        yield client


@pytest.fixture
def run(script: Any, api: httpx.Client, tmp_path: Path) -> Run:
    def make(first: date, kill_after: int = 0) -> None:
        transport = Kill(kill_after)
        with httpx.Client(
            base_url=api.base_url, headers=api.headers, transport=transport
        ) as killable:
            script.make_invoices(killable, first, last_of(first), tmp_path)

    return make


def last_of(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def months() -> list[date]:
    return [date(2022 + number // 12, number % 12 + 1, 1) for number in range(24)]


@pytest.fixture
def work(secret: str) -> None:
    """The same work in each month: two currencies, two rates, and what is on no invoice."""
    olga, max_ = make_user("olga"), make_user("max")
    acme = make_client("Acme", currency="EUR", rounding="30 up")
    projects = [
        make_project("Site", client=acme, hourly_rate=60),
        make_project("Shop", client=acme, hourly_rate="72.5"),
        make_project("Tea", client=make_client("Sakura", currency="JPY"), hourly_rate=9870),
        make_project("Old", client=make_client("Gone", status="inactive"), hourly_rate=10),
        make_project("Our own"),
    ]
    make_client("Idle")
    for first in months():
        start = datetime(first.year, first.month, 1, tzinfo=UTC)
        end = start + timedelta(days=last_of(first).day) - timedelta(seconds=1)
        for project in projects:
            make_entry(olga, project, start, FIFTY)
            make_entry(max_, project, end, FIFTY)
        make_entry(olga, projects[0], start, FIFTY, billable=False)


def invoices(folder: Path, first: date) -> dict[str, Any]:
    """The invoices of a month by their names, without what differs between months."""
    found = {}
    for path in folder.glob(f"{first:%Y-%m}-*.json"):
        invoice = json.loads(path.read_text())
        assert invoice.pop("reference") == f"{first:%Y-%m}/client-{invoice['client']['id']}"
        assert invoice.pop("start_date") == f"{first}"
        assert invoice.pop("end_date") == f"{last_of(first)}"
        assert invoice.pop("billed_at")
        found[invoice["client"]["name"]] = invoice
    return found


def assert_each_is_billed_once(api: httpx.Client, folder: Path, first: date) -> None:
    """Each billable entry of a client is in one bill, and the report says what the invoices do."""
    days = {"start_date": f"{first}", "end_date": f"{last_of(first)}"}
    entries = TimeEntry.objects.filter(start_time__year=first.year, start_time__month=first.month)
    due = entries.filter(billable=True, project__client__isnull=False)
    assert due.count() == 8
    assert not due.filter(bill=None).exists()
    assert entries.filter(bill__isnull=False).count() == 8
    made = invoices(folder, first).values()
    assert sum(invoice["entries"] for invoice in made) == 8
    assert sum(line["entries"] for invoice in made for line in invoice["lines"]) == 8
    sums: Counter[str] = Counter()
    for invoice in made:
        for line in invoice["lines"]:
            sums[line["currency"]] += line["amount"]
    days["group_by"] = "client"
    totals = api.get("/api/v1/reports/summary", params=days).json()["summary"]["totals"]
    assert sums == {each["currency"]: each["billed"] for each in totals["amounts"]}


def test_it_is_short_enough_to_be_read() -> None:
    assert len(PATH.read_text().splitlines()) < 120


@pytest.mark.usefixtures("work")
def test_it_may_be_killed_after_any_request(run: Run, api: httpx.Client, tmp_path: Path) -> None:
    complete, *others = months()
    run(complete)
    expected = invoices(tmp_path, complete)
    assert [(name, expected[name]["amounts"]) for name in sorted(expected)] == [
        ("Acme", [{"currency": "EUR", "amount": 265.0}]),
        ("Gone", [{"currency": "USD", "amount": 16.66}]),
        ("Sakura", [{"currency": "JPY", "amount": 16450.0}]),
    ]
    assert_each_is_billed_once(api, tmp_path, complete)
    for kill_after, month in zip(count(1), others, strict=False):
        try:
            run(month, kill_after)
        except Killed:
            run(month)
        else:
            break
        assert invoices(tmp_path, month) == expected
        assert_each_is_billed_once(api, tmp_path, month)
    assert kill_after == 9  # the list, three clients with bills, and one without
    assert not [*tmp_path.glob("*.unfinished")]


@pytest.mark.usefixtures("work")
def test_it_may_be_killed_again_and_again(run: Run, api: httpx.Client, tmp_path: Path) -> None:
    month, bills = months()[0], set()
    for kill_after in (2, 3, 4, 4, 4):
        with pytest.raises(Killed):
            run(month, kill_after)
        bills.add(Bill.objects.count())
    run(month)
    assert bills == {1, 2, 3}
    assert_each_is_billed_once(api, tmp_path, month)


@pytest.mark.usefixtures("work")
def test_a_file_is_there_completely_or_not_at_all(
    run: Run, api: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: int) -> None:
        raise Killed

    month = months()[0]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(Killed):
            run(month)
    assert invoices(tmp_path, month) == {}
    run(month)
    assert_each_is_billed_once(api, tmp_path, month)


@pytest.mark.usefixtures("work")
def test_a_client_renamed_between_two_runs_gets_its_invoice(run: Run, tmp_path: Path) -> None:
    month = months()[0]
    with pytest.raises(Killed):
        run(month, 2)
    acme = Client.objects.get(name="Acme")
    acme.name = "Zebra"
    acme.save()
    run(month)
    assert invoices(tmp_path, month)["Zebra"]["entries"] == 4


@pytest.mark.usefixtures("work")
def test_it_runs_as_shown(live_server: LiveServer, tmp_path: Path) -> None:
    secret = issue_token(make_administrator("grace"), *SCOPES)[1]
    given = {"TIMETRACKER_URL": live_server.url, "TIMETRACKER_TOKEN": secret}

    def made(month: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(PATH), month, str(tmp_path / "invoices")]
        return subprocess.run(  # noqa: S603
            command, env={**os.environ, **given}, capture_output=True, text=True, check=False
        )

    first, again = made("2022-01"), made("2022-01")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert len(first.stdout.splitlines()) == len([*(tmp_path / "invoices").iterdir()]) == 3
    assert again.stdout == ""
    assert "not over" in made(f"{datetime.now(UTC):%Y-%m}").stderr
    assert "invalid" in made("2022-13").stderr


def answering(*answers: httpx.Response | Exception) -> httpx.Client:
    left = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        given = next(left)
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.Client(base_url="http://service", transport=httpx.MockTransport(answer))


def test_it_waits_as_long_as_it_is_asked_to(script: Any) -> None:
    service = answering(
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.ReadTimeout("too long"),
        httpx.Response(503, headers={"Retry-After": "30"}),
        httpx.Response(502),
        httpx.Response(200, json={}),
    )
    assert script.request(service, "GET", "/").status_code == 200
    assert script.waited == [7.0, 2.0, 30.0, 8.0]


def test_it_gives_up_without_an_answer(script: Any) -> None:
    service = answering(*[httpx.ConnectError("refused")] * script.TRIES)
    with pytest.raises(SystemExit, match="run this again later"):
        script.request(service, "GET", "/")


def test_it_ends_with_the_reason_of_a_refusal(script: Any, tmp_path: Path) -> None:
    service = answering(httpx.Response(403, json={"message": "Only administrators may"}))
    with pytest.raises(SystemExit, match="Only administrators may"):
        script.make_invoices(service, date(2022, 1, 1), date(2022, 1, 31), tmp_path)
