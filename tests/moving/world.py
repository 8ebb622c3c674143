"""An installation with something of everything, and what is in it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import models

from billing.bills import bill, billable
from journal.numbering import numbered_feed
from moving.kinds import Kind, kinds
from projects.models import FavoriteProject, Project
from rates.models import Rate
from reports.models import SavedReport
from tests.support.factories import (
    NINE,
    close_books,
    issue_token,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from users.models import User
from webhooks.models import Webhook

HOUR = timedelta(hours=1)
# Everything that a file could get wrong: quotes, separators, line ends, and what is not ASCII.
HARD = 'He said "=1+1",\r\nthen\nleft; 5 € → Ðorđe\t\\N \\. 🕘'
CLOSED_THROUGH = "2024-01-31"


def make_everything() -> str:
    """Rows of each kind, with what is special about each; return the administrator's secret."""
    ada, olga, carl = make_administrator("ada"), make_olga(), make_user("carl", is_active=False)
    _, secret = issue_token(ada, "admin:all")
    fern = make_client(
        'Fern "&" Söhne', currency="EUR", rounding="15 up", address=HARD, external_id="crm,1"
    )
    fern.external_user = ada
    fern.save()
    make_client("Idle", status="inactive", default_hourly_rate=Decimal("0.00"))
    site = make_project(client=fern, hourly_rate=Decimal("99.99"), description=HARD)
    old = make_project("Old", status="archived", estimated_hours=Decimal("7.50"))
    draft = make_task(site, status="done", due_date=date(2024, 2, 29), assignee=olga, priority=4)
    make_task(old, "Later", estimated_hours=Decimal("0.25"))
    make_rates(olga, site)
    make_entries(ada, olga, carl, site, old, draft)
    SavedReport.objects.create(owner=ada, name="Month", query={"z": ["1", None], "a": "ä"})
    make_hook(ada, site)
    FavoriteProject.objects.create(user=olga, project=old)
    unused = make_client("Gone")
    unused.delete()  # its id is not given out again
    close_books(CLOSED_THROUGH)
    # What was closed to her stays closed, though her day now ends earlier.
    olga.time_zone = "Asia/Tokyo"
    olga.save()
    numbered_feed()
    return secret


def make_olga() -> User:
    """A member of staff, with rights of her own and of her group."""
    olga = make_user("olga", first_name="Ólga", time_zone="America/New_York", is_staff=True)
    group = Group.objects.create(name="Book-keepers, all")
    group.permissions.set(Permission.objects.filter(codename__in=["view_reports", "view_amounts"]))
    olga.groups.add(group)
    olga.user_permissions.add(Permission.objects.get(codename="view_bill"))
    olga.last_login = datetime(2024, 1, 15, 8, 59, 59, 1, tzinfo=UTC)
    olga.save()
    return olga


def make_rates(olga: User, site: Project) -> None:
    """Rates that follow each other, and one whose price outlives it."""
    Rate(user=olga, hourly_rate=Decimal("50.00")).save()
    Rate(project=site, hourly_rate=Decimal("120.00"), valid_from=date(2024, 2, 1)).save()
    Rate(user=olga, project=site, valid_from=date(2200, 1, 1)).save()


def make_entries(
    ada: User, olga: User, carl: User, site: Project, old: Project, draft: Any
) -> None:
    """Entries of each state: billed, closed, without a price, running, paused."""
    micro = timedelta(microseconds=1)
    make_entry(olga, site, task=draft, notes=HARD, tags="a,ü", external_id='"')
    make_entry(olga, site, NINE + HOUR + micro, HOUR + 999_999 * micro, break_seconds=60)
    make_entry(carl, old, NINE, 2 * HOUR, billable=False)
    bill(
        billable(TimeEntry.objects.filter(user=olga)),
        "INV-1",
        {"user_id": olga.pk, "end_date": "2024-01-31", "client_id": None},
        user=ada,
        now=NINE,
    )
    march = datetime(2024, 3, 1, tzinfo=UTC)
    priced = Rate(user=carl, project=site, hourly_rate=Decimal("77.77"))
    priced.save()
    make_entry(carl, site, march, HOUR)
    priced.delete()
    make_entry(ada, site, march, None)
    make_entry(olga, site, march, None, paused_at=march + HOUR, break_seconds=5)


def make_hook(ada: User, site: Project) -> None:
    """A webhook, which has a secret."""
    url = "https://hooks.example.com/x"
    Webhook.insert([Webhook(user=ada, url=url, events=["*"], project_ids=[site.pk])])


def state() -> dict[str, list[Any]]:
    """Every column of every kind as it is stored, derived ones too, and all relations."""
    return {kind.name: [*_rows(kind)] for kind in kinds()}


def _rows(kind: Kind) -> Any:
    fields = [field.attname for field in kind.model._meta.concrete_fields]
    kept = [name for name in fields if name not in kind.left_out]
    rows: models.QuerySet[Any] = models.QuerySet(kind.model)
    for row in sorted(rows, key=lambda row: row.pk):
        yield {
            **{name: getattr(row, name) for name in kept},
            **{
                relation.name: sorted(map(str, getattr(row, relation.name).all()))
                for relation in kind.relations
            },
        }
