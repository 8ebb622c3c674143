"""`hourly_rate` of a project and `default_hourly_rate` of a client: what is valid today."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from clients.models import Client
from journal.models import Change
from projects.models import Project
from rates.models import ALWAYS, Rate
from rates.rollover import roll_over
from tests.support.factories import api_as, make_client, make_project
from users.models import User


def today() -> date:
    return timezone.now().date()


def rates() -> list[tuple[int | None, date]]:
    found = Rate.objects.order_by("valid_from").values_list("hourly_rate", "valid_from")
    return [(rate if rate is None else int(rate), first) for rate, first in found]


def test_the_first_rate_is_valid_always_and_later_ones_from_today_on(owner: User) -> None:
    api = api_as(owner, "write:projects")
    path = "/api/v1/projects"
    pk = api.post(path, {"name": "Site", "hourly_rate": 50}).json()["project"]["id"]
    assert rates() == [(50, ALWAYS)]
    for rate in (60, 70):
        shown = api.put(f"{path}/{pk}", {"hourly_rate": rate}).json()["project"]
        assert shown["hourly_rate"] == rate
    assert rates() == [(50, ALWAYS), (70, today())]
    api.put(f"{path}/{pk}", {"hourly_rate": None})
    assert rates() == [(50, ALWAYS), (None, today())]


def test_a_rate_shows_on_its_project(site: Project) -> None:
    rate = Rate(project=site, hourly_rate=50)
    rate.save()
    site.refresh_from_db()
    assert site.version == 2
    assert site.hourly_rate == 50
    rate.hourly_rate = 60
    rate.save()
    site.refresh_from_db()
    assert site.hourly_rate == 60
    rate.delete()
    assert Project.objects.get().hourly_rate is None
    changed = Change.objects.filter(type="project", object_id=site.pk).order_by("id")
    assert [each.fields for each in changed] == [[], *[["hourly_rate"]] * 3]


def test_a_rate_of_tomorrow_shows_tomorrow(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    Rate(project=site, hourly_rate=50).save()
    Rate(project=site, hourly_rate=60, valid_from=today() + timedelta(days=1)).save()
    site.refresh_from_db()
    assert site.hourly_rate == 50
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=1))
    roll_over()
    site.refresh_from_db()
    assert site.version == 3
    assert site.hourly_rate == 60
    roll_over()
    site.refresh_from_db()
    assert site.version == 3


def test_a_client_goes_with_its_rates(owner: User) -> None:
    client = make_client("Acme", default_hourly_rate=50)
    assert rates() == [(50, ALWAYS)]
    assert api_as(owner, "write:clients").delete(f"/api/v1/clients/{client.pk}").status_code == 200
    assert rates() == []
    assert Change.objects.filter(type="rate", action="deleted").count() == 1
    make_client("Birch", default_hourly_rate=50)
    Client.objects.all().delete()
    assert Change.objects.filter(type="rate", action="deleted").count() == 2


@pytest.fixture
def site(db: None) -> Project:
    return make_project("Site")
