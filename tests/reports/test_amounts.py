"""Time, rounded time and money have one sum: leaves, totals, rows, weeks, CSV and XLSX."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from rest_framework.test import APIClient

from billing.models import Bill
from clients.models import Client
from projects.models import Project
from rates.models import ALWAYS, Rate
from reports.groups import LEVELS
from tests.support.counting import assert_right, fold
from tests.support.factories import NINE, api_as, make_client, make_entry, make_project
from timeentries.models import TimeEntry
from users.models import User
from values.currencies import MINUTES, MODES, amount_of

REPORTS = "/api/v1/reports"
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu")
CURRENCIES = ("EUR", "JPY", "BHD")  # of two, no and three decimals
# Around days of 23, 25 and 23.5 hours, and a turn of the year.
DAYS = [
    datetime(*day, tzinfo=UTC)
    for day in ((2024, 3, 30), (2024, 10, 26), (2018, 11, 3), (2024, 4, 6), (2023, 12, 31))
]
MONEY = st.decimals(0, 500, places=2)


class Priced(NamedTuple):
    """An hourly rate from a day on, of a place such as `user project`."""

    place: str
    hourly_rate: Decimal
    days: int


class Worked(NamedTuple):
    """An entry that a test makes up."""

    person: int
    project: int
    start: datetime
    lasting: timedelta
    billable: bool
    billed: bool


class Setting(NamedTuple):
    """What the money of a report depends on, besides its entries."""

    zones: list[str]
    roundings: list[str]
    currencies: list[str]
    rates: list[Priced]


ROUNDINGS = st.sampled_from(["", *(f"{minutes} {mode}" for minutes in MINUTES for mode in MODES)])
SETTINGS = st.builds(
    Setting,
    zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=2),
    roundings=st.lists(ROUNDINGS, min_size=4, max_size=4),
    currencies=st.lists(st.sampled_from(CURRENCIES), min_size=2, max_size=2, unique=True),
    rates=st.lists(
        st.builds(
            Priced,
            st.sampled_from(["user", "client", "project", "user client", "user project"]),
            MONEY,
            st.integers(-1, 2),
        ),
        max_size=5,
    ),
)
WORKS = st.lists(
    st.builds(
        Worked,
        st.integers(0, 1),
        st.integers(0, 2),
        st.builds(
            lambda day, length: day + timedelta(microseconds=length),
            st.sampled_from(DAYS),
            st.integers(0, 3 * 86_400_000_000),
        ),
        st.integers(1, 90_000_000_000).map(lambda length: timedelta(microseconds=length)),
        st.sampled_from([True, True, True, False]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def api(administrator: User, settings: Any) -> APIClient:
    """A client that sees everyone's entries as often as it likes."""
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 1_000_000
    return api_as(administrator, "read:reports")


def make_world(people: list[User], its: Setting, works: list[Worked]) -> None:
    """Two people, two clients with a project each and one without, rates, work, a bill."""
    TimeEntry.objects.update(bill=None)
    for model in (TimeEntry, Bill, Rate, Project, Client):
        model._default_manager.all().delete()
    for person, zone in zip(people, its.zones, strict=True):
        person.time_zone = zone
        person.save()
    clients = [
        make_client(f"Client {place}", currency=currency, rounding=its.roundings[place])
        for place, currency in enumerate(its.currencies)
    ]
    projects = [
        make_project("A", client=clients[0], rounding=its.roundings[2], estimated_hours=8),
        make_project("B", client=clients[1]),
        make_project("C", rounding=its.roundings[3]),
    ]
    for number, priced in enumerate(its.rates):
        place = number % 2
        whole = {"user": people[place], "client": clients[place], "project": projects[place]}
        Rate.objects.get_or_create(
            **{name: whole[name] for name in priced.place.split()},
            **{name: None for name in whole if name not in priced.place.split()},
            valid_from=ALWAYS
            if priced.days < 0
            else date(2024, 3, 30) + timedelta(days=priced.days),
            defaults={"hourly_rate": priced.hourly_rate},
        )
    bill = Bill.objects.create(reference="2024-7", selection={}, billed_at=NINE)
    for number, work in enumerate(works):
        entry = make_entry(
            people[work.person],
            projects[work.project],
            work.start,
            work.lasting,
            billable=work.billable,
            tags="a" if number % 3 else "",
        )
        if work.billed and work.billable:
            TimeEntry.objects.filter(pk=entry.pk).update(bill=bill)
        if number == 3:
            fold()


class Sum:
    """A sum of time and money, however it was come by."""

    def __init__(self) -> None:
        self.seconds = self.rounded = 0
        self.amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def add(self, part: "Sum") -> None:
        self.seconds += part.seconds
        self.rounded += part.rounded
        for key, amount in part.amounts.items():
            self.amounts[key] += amount

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        amounts = {key: f"{amount:.4f}" for key, amount in sorted(self.amounts.items())}
        return f"{self.seconds} s, {self.rounded} s, {amounts}"


def of_json(group: dict[str, Any]) -> Sum:
    """The sum of a group, of totals or of a week."""
    total = Sum()
    total.seconds = group["total_seconds"] if "total_seconds" in group else group["seconds"]
    total.rounded = group["rounded_seconds"]
    for each in group["amounts"]:
        for kind in ("amount", "billed", "unbilled"):
            total.amounts[each["currency"], kind] = Decimal(str(each[kind]))
    return total


def of_row(row: dict[str, Any]) -> Sum:
    """The sum of a time entry on the wire; its amount must be that of its rounded time."""
    total = Sum()
    total.seconds, total.rounded = row["duration_seconds"], row["rounded_seconds"]
    if row["amount"] is not None:
        amount, rate = Decimal(str(row["amount"])), Decimal(str(row["hourly_rate"]))
        assert amount == amount_of(row["rounded_seconds"], rate, row["currency"])
        total.amounts[row["currency"], "amount"] = amount
        total.amounts[row["currency"], "billed"] = amount if row["billed"] else Decimal(0)
        total.amounts[row["currency"], "unbilled"] = Decimal(0) if row["billed"] else amount
    return total


def of_line(titles: list[str], cells: Iterable[Any]) -> Sum:
    """The sum of a line of a file, for each column of Seconds, Rounded seconds and amounts."""
    total = Sum()
    for title, cell in zip(titles, cells, strict=True):
        kind, _, currency = title.partition(" ")
        if title == "Seconds":
            total.seconds = _seconds(cell)
        elif title == "Rounded seconds":
            total.rounded = _seconds(cell)
        elif currency in (*CURRENCIES, "USD") and cell not in ("", None):
            total.amounts[currency, kind.lower()] = Decimal(str(cell))
    return total


def _seconds(cell: Any) -> int:
    return cell // timedelta(seconds=1) if isinstance(cell, timedelta) else int(cell)


def sums_up(parts: Iterable[Sum]) -> Sum:
    """What parts add up to."""
    total = Sum()
    for part in parts:
        total.add(part)
    return total


def leaves_of(group: dict[str, Any]) -> list[dict[str, Any]]:
    """The innermost groups; each group must be the sum of those within."""
    if not group["children"]:
        return [group]
    assert of_json(group) == sums_up(map(of_json, group["children"]))
    return [leaf for child in group["children"] for leaf in leaves_of(child)]


def files_of(api: APIClient, report: str, query: dict[str, str]) -> Iterable[Sum]:
    """The totals of both files of a report, which must be the sums of their lines."""
    response: Any = api.get(f"{REPORTS}/{report}", query | {"format": "csv"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    response = api.get(f"{REPORTS}/{report}", query | {"format": "xlsx"})
    workbook = load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    for lines in (
        csv.reader(io.StringIO(text)),
        workbook.worksheets[0].iter_rows(values_only=True),
    ):
        titles, *rows, total = ([*line] for line in lines)
        assert total[0] == "Total"
        whole = of_line([str(title) for title in titles], total)
        assert whole == sums_up(of_line([str(title) for title in titles], row) for row in rows)
        yield whole


def only_amounts(total: Sum) -> Sum:
    """The sum without the split that a file of entries does not have."""
    kept = Sum()
    kept.seconds, kept.rounded = total.seconds, total.rounded
    kept.amounts.update({key: at for key, at in total.amounts.items() if key[1] == "amount"})
    return kept


@settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    its=SETTINGS,
    works=WORKS,
    zone=st.sampled_from(ZONES),
    levels=st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3, unique=True),
)
def test_time_and_money_have_one_sum(
    owner: User,
    colleague: User,
    api: APIClient,
    its: Setting,
    works: list[Worked],
    zone: str,
    levels: list[str],
) -> None:
    make_world([owner, colleague], its, works)
    assert_right()
    query = {"start_date": "2018-01-01", "end_date": "2024-12-31", "timezone": zone}
    by = query | {"group_by": ",".join(levels)}
    entries = api.get(f"{REPORTS}/entries", query).json()
    expected = sums_up(map(of_row, entries["time_entries"]))
    assert expected.seconds == sum(work.lasting // timedelta(seconds=1) for work in works)

    summary = api.get(f"{REPORTS}/summary", by).json()["summary"]
    projects = summary["by_project"]
    leaves = [leaf for group in summary["groups"] for leaf in leaves_of(group)]
    assert of_json(entries["totals"]) == expected
    assert of_json(summary["totals"]) == expected
    assert sums_up(map(of_json, leaves)) == expected
    assert (
        sums_up(of_json({**each, "seconds": 0}) for each in projects).amounts == expected.amounts
    )
    assert of_json({**summary, "seconds": expected.seconds}) == expected
    assert all(total == expected for total in files_of(api, "summary", by))
    assert all(total == only_amounts(expected) for total in files_of(api, "entries", query))
    assert sums_up(weeks_of(api, works, zone)) == expected


def weeks_of(api: APIClient, works: list[Worked], zone: str) -> Iterable[Sum]:
    """The totals of each week that has work, which must be the sums of its people and files."""
    days = {work.start.astimezone(ZoneInfo(zone)).date() for work in works}
    for monday in sorted({day - timedelta(days=day.weekday()) for day in days}):
        query = {"week": str(monday), "timezone": zone}
        weekly = api.get(f"{REPORTS}/weekly", query).json()["weekly"]
        total = of_json(weekly)
        assert total == sums_up(map(of_json, weekly["users"]))
        assert all(each == total for each in files_of(api, "weekly", query))
        yield total
