"""Reports shared by a link: who makes and opens one, what it hides, and how it ends."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from reports import sharing
from reports.models import SharedReport
from tests.reports.test_admin import groups_of
from tests.support.admin import admin_as, make_staff, messages_of, text_of
from tests.support.factories import (
    NINE,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timetracker.logs import hide_tokens
from users.models import User
from values.credentials import digest_of

LIST = "admin:reports_report_shared"
JANUARY = {"start": "2024-01-01", "end": "2024-01-31"}
MANY = {"by": "user", "by2": "project", "by3": "day", "compare": "previous"}


@pytest.fixture
def staff(db: None) -> User:
    """Somebody who may see reports and amounts."""
    return make_staff("stan", "view_amounts")


def make_shared(creator: User, secret: str = "", **fields: Any) -> str:
    """A shared January; return the address of its link."""
    query = JANUARY | fields.pop("query", {"by": "user"})
    fields = {"expires_at": timezone.now() + timedelta(days=30)} | fields
    shared = SharedReport(created_by=creator, title="January", query=query, **fields)
    return reverse("shared-report", args=[sharing.share(shared)])


def make_work(owner: User, colleague: User) -> None:
    """Work of two people with names, worth 100 EUR and 50 EUR."""
    owner.first_name, owner.last_name = "Olga", "Lind"
    owner.save()
    client = make_client(currency="EUR", default_hourly_rate=50)
    site = make_project(client=client)
    make_entry(owner, site, lasting=timedelta(hours=2))
    make_entry(colleague, site, NINE + timedelta(days=1))


def words_of(answer: Any) -> str:
    return text_of(answer.content.decode().replace("<", " <"))


def texts_of(client: Client, address: str) -> dict[str, str]:
    """All that a link gives: its page and its files."""
    csv: Any = client.get(f"{address}?format=csv")
    text = b"".join(csv.streaming_content).decode()
    page = client.get(address).content.decode()
    xlsx: Any = client.get(f"{address}?format=xlsx")
    sheet = load_workbook(BytesIO(b"".join(xlsx.streaming_content))).worksheets[0]
    cells = "\n".join(
        f"{cell.value} {cell.number_format}" for row in sheet.iter_rows() for cell in row
    )
    return {"page": page, "csv": text, "xlsx": cells}


def share(browser: Client, **data: Any) -> Any:
    """Share a report from its page."""
    form = {"title": "January", "expires_in_days": 30, "query": "period=last_month&by=user"}
    return browser.post(reverse(LIST), form | data)


def test_a_link_is_made_shown_once_and_opened_without_an_account(
    client: Client, staff: User, owner: User, colleague: User
) -> None:
    make_work(owner, colleague)
    answer = share(admin_as(staff), query="start=2024-01-01&end=2024-01-31&by=user")
    assert (answer.status_code, answer["Referrer-Policy"]) == (200, "no-referrer")
    link = answer.context["link"]
    assert re.fullmatch(r"http://testserver/shared/reports/sr_[0-9A-Za-z]{32}", link)
    secret = link.rpartition("/")[2]
    [row] = SharedReport.objects.values()
    assert secret not in str(row)
    assert row["digest"] == digest_of(secret)
    assert row["expires_at"] - row["created_at"] == timedelta(days=30)
    assert (row["created_by_id"], row["title"]) == (staff.pk, "January")
    assert secret not in admin_as(staff).get(reverse(LIST)).content.decode()

    page = client.get(link)
    assert page.status_code == 200
    assert groups_of(page) == [
        ["Olga Lind", "1", "2.00", "2.00", "100.00 EUR", "100.00 EUR", "67 %"],
        ["carl", "1", "1.00", "1.00", "50.00 EUR", "50.00 EUR", "33 %"],
    ]
    words = words_of(page)
    assert "January 2024-01-01 to 2024-01-31 in Europe/Berlin" in words
    valid_until = row["expires_at"].astimezone(staff.zone)
    assert f"This link is valid until {valid_until:%Y-%m-%d %H:%M}." in words


def test_a_shared_page_keeps_its_secret(client: Client, staff: User, owner: User) -> None:
    make_entry(owner, make_project())
    answer = client.get(make_shared(staff))
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    page = answer.content.decode()
    assert 'href="/admin/' not in page
    assert re.findall(r"<script|<form|<style|\sstyle=|\son[a-z]+=", page) == []


def test_every_link_that_is_not_valid_has_the_same_answer(client: Client, staff: User) -> None:
    now = timezone.now()
    demoted, gone = make_staff("sue"), make_staff("tom")
    plain = make_staff("uma")
    addresses = [
        reverse("shared-report", args=[secret])
        for secret in ("x", "sr_" + "a" * 32, "tt_" + "a" * 32, "sr_" + "\u00e9" * 32)
    ]
    addresses += [
        make_shared(staff, created_at=now - timedelta(days=2), expires_at=now),
        make_shared(staff, revoked_at=now),
        make_shared(staff, query={"project": "7"}),  # which does not exist any more
        make_shared(demoted),
        make_shared(gone),
        make_shared(plain),
    ]
    demoted.user_permissions.clear()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    User.objects.filter(pk=plain.pk).update(is_staff=False)
    answers = [client.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert len({answer.content for answer in answers}) == 1
    first = dict(answers[0].items())
    for answer in answers:
        assert dict(answer.items()) == first | {"X-Request-ID": answer["X-Request-ID"]}
    assert "This link is not valid." in words_of(answers[0])


@pytest.mark.parametrize("hidden", ["hidden", "not permitted"])
def test_amounts_stay_on_the_server(
    client: Client, staff: User, owner: User, colleague: User, hidden: str
) -> None:
    make_work(owner, colleague)
    address = make_shared(staff, hides_amounts=hidden == "hidden", query=MANY)
    if hidden == "not permitted":
        staff.user_permissions.remove(Permission.objects.get(codename="view_amounts"))
    for text in texts_of(client, address).values():
        assert re.search("EUR|Amount|Unbilled", text) is None


def test_amounts_are_shown_if_their_creator_may_view_them(
    client: Client, staff: User, owner: User, colleague: User
) -> None:
    make_work(owner, colleague)
    for text in texts_of(client, make_shared(staff, query=MANY)).values():
        assert "EUR" in text


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(MANY, id="grouped"),
        pytest.param(MANY | {"sort": "name", "chart": "groups"}, id="chart of groups"),
        pytest.param({"by": "project", "by2": "user"}, id="inner groups"),
    ],
)
def test_names_stay_on_the_server(
    client: Client, staff: User, owner: User, colleague: User, query: dict[str, str]
) -> None:
    make_work(owner, colleague)
    make_entry(make_user("maria"), make_project("Old"), NINE - timedelta(days=31))
    for text in texts_of(client, make_shared(staff, hides_names=True, query=query)).values():
        assert re.search("olga|Lind|carl|maria|stan", text, re.IGNORECASE) is None
        assert {"Person 1", "Person 2"} <= set(re.findall("Person [0-9]", text))


def test_the_name_of_a_filter_is_hidden_too(
    client: Client, staff: User, owner: User, colleague: User
) -> None:
    make_work(owner, colleague)
    query = {"by": "user", "user": str(colleague.pk)}
    shown = words_of(client.get(make_shared(staff, query=query)))
    assert "User: carl" in shown
    hidden = words_of(client.get(make_shared(staff, hides_names=True, query=query)))
    assert "User: Person 1" in hidden
    assert "carl" not in hidden


def test_a_named_period_is_that_of_the_moment(client: Client, staff: User, owner: User) -> None:
    today = datetime.now(UTC).replace(hour=12)
    make_entry(owner, make_project(), today)
    shared = SharedReport(
        created_by=staff,
        title="Today",
        query={"period": "today", "by": "user"},
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    page = client.get(reverse("shared-report", args=[sharing.share(shared)]))
    assert groups_of(page)[0][:3] == ["olga", "1", "1.00"]


def test_a_link_is_no_way_to_another_report(
    client: Client, staff: User, owner: User, colleague: User
) -> None:
    make_work(owner, colleague)
    address = make_shared(staff, query={"by": "user", "user": str(owner.pk)})
    page = client.get(f"{address}?user={colleague.pk}&by=task&start=2020-01-01&hides_names=0")
    assert [row[0] for row in groups_of(page)] == ["Olga Lind"]
    for method in (client.post, client.put, client.delete, client.options):
        assert method(address).status_code == 405
    assert client.head(address).status_code == 200


@pytest.mark.usefixtures("clock")
def test_an_address_opens_thirty_a_minute(client: Client, staff: User, owner: User) -> None:
    make_entry(owner, make_project())
    address = make_shared(staff)
    for number in range(30):
        assert client.get(address if number % 2 else f"{address}x").status_code in (200, 404)
    refused = client.get(address)
    assert (refused.status_code, refused["Referrer-Policy"]) == (429, "no-referrer")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert Client(REMOTE_ADDR="192.0.2.7").get(address).status_code == 200


@pytest.mark.parametrize("days", ["", "0", "91", "-1", "soon", "9" * 30])
def test_a_link_is_valid_for_90_days_at_most(staff: User, days: str) -> None:
    response = share(admin_as(staff), expires_in_days=days)
    [sentence] = messages_of(response)
    assert (response.status_code, sentence[:16]) == (302, "Valid for days: ")
    assert not SharedReport.objects.exists()


def test_the_database_refuses_a_longer_life(staff: User) -> None:
    now = timezone.now()
    make_shared(staff, created_at=now, expires_at=now + timedelta(days=90))
    with pytest.raises(IntegrityError), transaction.atomic():
        make_shared(staff, created_at=now, expires_at=now + timedelta(days=90, seconds=1))


def test_who_may_not_view_amounts_hides_them_for_good(staff: User) -> None:
    share(admin_as(make_staff("sue")))
    assert SharedReport.objects.get().hides_amounts
    share(admin_as(staff), title="Other")
    assert not SharedReport.objects.get(title="Other").hides_amounts


def test_what_is_hidden_is_chosen_on_the_form(staff: User) -> None:
    share(admin_as(staff), hides_names="on", hides_amounts="on")
    shared = SharedReport.objects.get()
    assert (shared.hides_names, shared.hides_amounts) == (True, True)
    assert shared.query == {"by": "user", "period": "last_month"}


def test_only_a_valid_report_is_shared(staff: User) -> None:
    response = share(admin_as(staff), query="by=colour")
    assert messages_of(response) == ["This report cannot be saved: its form has errors."]
    assert not SharedReport.objects.exists()


def test_a_link_is_revoked_by_its_creator_or_an_administrator(
    client: Client, staff: User, owner: User
) -> None:
    for number, (user, status) in enumerate(
        [(staff, 302), (make_administrator(), 302), (make_staff("sue"), 404)]
    ):
        address = make_shared(staff)
        shared = SharedReport.objects.latest("pk")
        revoking = reverse("admin:reports_report_revoke_shared", args=[shared.pk])
        assert admin_as(user).get(revoking).status_code == 302
        assert client.get(address).status_code == 200
        response = admin_as(user).post(revoking)
        assert response.status_code == status, number
        assert client.get(address).status_code == (404 if status == 302 else 200)


def test_revoking_twice_keeps_the_first_time(staff: User) -> None:
    make_shared(staff)
    shared, now = SharedReport.objects.get(), timezone.now()
    assert sharing.revoke(shared, staff, now)
    assert not sharing.revoke(shared, staff, now + timedelta(hours=1))
    shared.refresh_from_db()
    assert shared.revoked_at == now


def test_links_are_listed_for_their_creator_and_for_administrators(staff: User) -> None:
    make_shared(staff)
    make_shared(staff, revoked_at=timezone.now(), hides_names=True)
    for user, number in ((staff, 2), (make_administrator(), 2), (make_staff("sue"), 0)):
        listed = admin_as(user).get(reverse(LIST))
        assert len(listed.context["listed"]) == number
    words = words_of(admin_as(staff).get(reverse(LIST)))
    assert "January 2024-01-01 to 2024-01-31 names stan" in words
    assert "revoked" in words
    assert "No report is shared." in words_of(admin_as(make_staff("tom")).get(reverse(LIST)))


def test_who_may_not_view_reports_shares_none(staff: User) -> None:
    make_shared(staff)
    staff.user_permissions.clear()
    browser = admin_as(staff)
    assert browser.get(reverse(LIST)).status_code == 403
    assert share(browser).status_code == 403
    assert SharedReport.objects.count() == 1


def test_the_security_log_has_each_step_and_no_secret(
    client: Client, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "timetracker.security")
    address = make_shared(staff)
    shared = SharedReport.objects.get()
    client.get(address)
    client.get(f"{address}?format=csv")
    admin_as(staff).post(reverse("admin:reports_report_revoke_shared", args=[shared.pk]))
    client.get(address)
    lines = [
        (line.message, getattr(line, "shared_report", None))
        for line in caplog.records
        if line.name == "timetracker.security"
    ]
    assert lines == [
        ("Report shared", shared.pk),
        ("Shared report opened", shared.pk),
        ("Shared report opened", shared.pk),
        ("Report link revoked", shared.pk),
        ("Shared report refused", None),
    ]
    line = json.dumps({"event": f"GET {address} 200"})
    assert hide_tokens(None, "", line) == '{"event": "GET /shared/reports/sr_***** 200"}'


def test_too_many_groups_are_a_sentence(
    client: Client, staff: User, owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_work(owner, colleague)
    monkeypatch.setattr("reports.groups.MOST_LEAVES", 1)
    page = client.get(make_shared(staff))
    assert page.status_code == 200
    assert "Narrow the range" in words_of(page)


@pytest.mark.parametrize("hides_names", [True, False])
def test_a_shared_page_costs_the_same_for_one_entry_and_for_many(
    client: Client,
    staff: User,
    owner: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    *,
    hides_names: bool,
) -> None:
    address = make_shared(staff, query=MANY, hides_names=hides_names)
    for more in (1, 12):
        for number in range(more):
            site = make_project(f"Site {more}.{number}")
            person = make_user(f"u{more}.{number}")
            make_entry(person, site, NINE + timedelta(days=number), task=make_task(site))
        # link, two of permissions, three of the form; groups, those before, days, people
        with django_assert_num_queries(9 if hides_names else 10):
            assert client.get(address).status_code == 200


def test_links_that_ended_long_ago_are_pruned(
    staff: User, capsys: pytest.CaptureFixture[str]
) -> None:
    now = timezone.now()
    ends = {"valid": -5, "ended lately": 29, "expired": 31}
    for title, ago in ends.items():
        ended = now - timedelta(days=ago)
        make_shared(staff, expires_at=ended, created_at=ended - timedelta(days=20))
        SharedReport.objects.filter(title="January").update(title=title)
    make_shared(staff, revoked_at=now - timedelta(days=31))
    call_command("prune_shared_reports")
    assert capsys.readouterr().out == "Deleted 2 links that ended more than 30 days ago.\n"
    left = SharedReport.objects.values_list("title", flat=True)
    assert {*left} == {"valid", "ended lately"}
    call_command("prune_shared_reports", "--days", "1")
    assert [*left.all()] == ["valid"]
