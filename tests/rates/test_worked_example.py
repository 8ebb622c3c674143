"""The worked example in docs/money.md, made by the API: the tables there are what it answers."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rest_framework.test import APIClient

from tests.support.factories import api_as, make_administrator, make_user

API = "/api/v1"
MONEY = Path(__file__).resolve().parents[2] / "docs" / "money.md"
PEOPLE = {"Anna": "Europe/Berlin", "Ben": "America/New_York", "Chie": "Asia/Tokyo"}
CLIENTS: dict[str, dict[str, Any]] = {
    "Acme": {"currency": "EUR", "rounding": {"minutes": 15, "mode": "up"}},
    "Globe": {"currency": "USD"},
}
# Who, project, local start and end, minutes of breaks, whether it is billable.
WORK = [
    ("Anna", "Site", "2024-03-15T09:00:00", "2024-03-15T12:10:00", 0, True),
    ("Ben", "Site", "2024-03-15T20:30:00", "2024-03-15T22:00:00", 0, True),
    ("Chie", "Site", "2024-03-16T08:00:00", "2024-03-16T08:20:00", 0, True),
    ("Anna", "Site", "2024-03-18T09:00:00", "2024-03-18T17:05:00", 30, True),
    ("Anna", "Site", "2024-03-31T01:30:00", "2024-03-31T03:30:00", 0, True),
    ("Ben", "App", "2024-03-10T01:00:00", "2024-03-10T03:20:00", 0, True),
    ("Chie", "App", "2024-03-20T10:00:00", "2024-03-20T10:50:30", 0, True),
    ("Chie", "App", "2024-03-21T10:00:00", "2024-03-21T11:00:00", 0, False),
]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    marks = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


def clock(seconds: int) -> str:
    """Hours, minutes and seconds."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def money(amount: float | None, currency: str) -> str:
    """An amount with its currency; nothing where there is none."""
    return "" if amount is None else f"{amount:.2f} {currency}"


def made(response: Any) -> Any:
    """The row that a POST has made."""
    assert response.status_code == 201, response.json()
    return next(value for name, value in response.json().items() if name != "message")


@pytest.fixture
def api(db: None) -> APIClient:
    """A client of an administrator."""
    return api_as(make_administrator(), "admin:all")


@pytest.fixture
def entries(api: APIClient) -> list[dict[str, Any]]:
    """The work of March 2024, as the API shows it."""
    people = {name: make_user(name.lower(), time_zone=zone) for name, zone in PEOPLE.items()}
    tokens = {name: api_as(user, "write:time_entries") for name, user in people.items()}
    clients = {
        name: made(api.post(f"{API}/clients", {"name": name, **fields}))
        for name, fields in CLIENTS.items()
    }
    projects = {
        name: made(api.post(f"{API}/projects", {"name": name, "client_id": clients[client]["id"]}))
        for name, client in (("Site", "Acme"), ("App", "Globe"))
    }
    site, app = projects["Site"]["id"], projects["App"]["id"]
    for rate in (
        {"project_id": site, "hourly_rate": 80},
        {"project_id": site, "hourly_rate": 95, "valid_from": "2024-03-16"},
        {"project_id": app, "hourly_rate": 90},
        {"project_id": app, "user_id": people["Ben"].pk, "hourly_rate": 110},
    ):
        made(api.post(f"{API}/rates", rate))
    shown = []
    for name, project, start, end, minutes, billable in WORK:
        body = {"project_id": projects[project]["id"], "start_time": start, "end_time": end}
        body |= {"break_seconds": 60 * minutes, "billable": billable}
        shown.append(made(tokens[name].post(f"{API}/time-entries", body)))
    return shown


def entry_row(entry: dict[str, Any]) -> list[str]:
    """A row of the first table."""
    name = str(entry["user_name"]).capitalize()
    zone = ZoneInfo(PEOPLE[name])
    start, end = (
        datetime.fromisoformat(entry[field]).astimezone(zone)
        for field in ("start_time", "end_time")
    )
    return [
        f"{name}, {entry['project_name']}",
        f"{start:%d %b %H:%M:%S} to {end:%H:%M:%S}",
        clock(entry["break_seconds"]) if entry["break_seconds"] else "",
        clock(entry["duration_seconds"]),
        clock(entry["rounded_seconds"]),
        money(entry["hourly_rate"], entry["currency"]),
        money(entry["amount"], entry["currency"]),
    ]


def line_row(line: dict[str, Any]) -> list[str]:
    """A row of the second table."""
    return [
        line["name"],
        str(line["entries"]),
        clock(line["seconds"]),
        clock(line["rounded_seconds"]),
        money(line["hourly_rate"], line["currency"]),
        money(line["amount"], line["currency"]),
    ]


def test_the_entries_are_those_of_the_documentation(entries: list[dict[str, Any]]) -> None:
    head = ["who, project", "local time", "break", "worked", "rounded", "hourly rate", "amount"]
    assert f"\n\n{table(head, [*map(entry_row, entries)])}\n\n" in MONEY.read_text()


def test_the_bill_is_that_of_the_documentation(
    api: APIClient, entries: list[dict[str, Any]]
) -> None:
    march = {"start_date": "2024-03-01", "end_date": "2024-03-31"}
    totals = api.get(f"{API}/reports/summary", march).json()["summary"]
    billed = api.post(f"{API}/billing", {"reference": "2024-03", **march})
    assert billed.status_code == 200
    bill = api.get(f"{API}/billing/2024-03").json()["billing"]
    sums = {each["currency"]: each["amount"] for each in bill["amounts"]}
    assert sums == {each["currency"]: each["amount"] for each in totals["amounts"]}
    rows = [line_row(line) for line in bill["lines"]]
    rows.append(
        [
            "all",
            str(bill["entries"]),
            clock(bill["seconds"]),
            clock(bill["rounded_seconds"]),
            "",
            ", ".join(money(amount, code) for code, amount in sums.items()),
        ]
    )
    head = ["project", "entries", "worked", "rounded", "hourly rate", "amount"]
    assert f"\n\n{table(head, rows)}\n\n" in MONEY.read_text()
