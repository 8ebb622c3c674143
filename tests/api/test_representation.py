"""What is sent is what the serializers say, field by field, for every resource."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver
from rest_framework import serializers

from api.serializers.base import ModelSerializer
from api.serializers.representation import Caller, Representation, representation_of
from api.viewsets import ListViewSet
from api.wire.renderers import encode
from clients.models import Client
from projects.models import Project
from rates.models import Rate
from tasks.models import Task
from tests.support.factories import make_administrator, make_user
from timeentries.models import TimeEntry
from users.models import User
from webhooks.models import Webhook

NOW = datetime(2024, 1, 15, 12, 0, 0, 999_999, tzinfo=UTC)
CALLER = Caller(NOW, 7)
ODD = 'é "quoted" \\ \u2028 𝄞 <b>&'


def listed(patterns: Iterable[Any]) -> Iterable[type[ListViewSet[Any]]]:
    """Yield the viewset of each route that lists rows."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from listed(pattern.url_patterns)
        elif issubclass(getattr(pattern.callback, "cls", object), ListViewSet):
            yield pattern.callback.cls


VIEWSETS = list(dict.fromkeys(listed(get_resolver().url_patterns)))


@pytest.fixture
def _odd_rows(db: None) -> None:
    """Rows at the edges of their columns, with and without what may be null."""
    olga, bare = make_user("olga", first_name="Olga", time_zone="Asia/Kolkata"), make_user("b")
    make_administrator("ada", last_name=ODD)
    client = Client.objects.create(name=ODD, email="a@example.com", default_hourly_rate="0.10")
    Client.objects.create(name="bare")
    project = Project.objects.create(
        name=ODD, client=client, hourly_rate="99999999.99", estimated_hours="0"
    )
    own = Project.objects.create(name="bare", billable=False)
    task = Task.objects.create(
        name=ODD, project=project, assignee=olga, due_date="2200-12-31", status="done", priority=4
    )
    Task.objects.create(name="bare", project=own)
    times = {"start_time": NOW - timedelta(hours=1, microseconds=5), "project": project}
    TimeEntry.objects.create(user=olga, task=task, notes=ODD, tags=f"a,{ODD}", **times)
    TimeEntry.objects.create(user=bare, **times | {"start_time": NOW + timedelta(days=1)})
    first = datetime(1970, 1, 1, tzinfo=UTC)
    for seconds in (1, 17, 18, 19, 3599, 31_622_399):
        end = first + timedelta(seconds=seconds, microseconds=123)
        TimeEntry.objects.create(user=olga, project=own, start_time=first, end_time=end)
    own.archive()
    Rate.insert([Rate(user=olga, hourly_rate=1), Rate(client=client, user=bare, hourly_rate=0)])
    hook = {"user": olga, "url": "https://hooks.example.com/", "events": ["*"]}
    Webhook.insert([Webhook(**hook, description=ODD), Webhook(**hook, project_ids=[own.pk])])


def test_every_list_is_looked_at() -> None:
    assert {viewset.queryset.model for viewset in VIEWSETS} == {
        Client, Project, Rate, Task, TimeEntry, User, Webhook
    }  # fmt: skip


@pytest.mark.parametrize("viewset", VIEWSETS)
@pytest.mark.usefixtures("_odd_rows")
def test_a_row_is_shown_as_its_serializer_shows_it(viewset: type[ListViewSet[Any]]) -> None:
    serializer_class: Any = viewset.serializer_class
    representation = representation_of(serializer_class)
    rows = list(viewset.queryset.order_by("pk"))
    context = {"request": SimpleNamespace(now=NOW, user=SimpleNamespace(pk=7))}
    said = serializer_class(rows, many=True, context=context).data

    by_columns = representation.of(viewset.queryset.order_by("pk"), CALLER)
    by_instances = [representation.of_row(representation.row_of(row), CALLER) for row in rows]

    assert len(rows) > 1
    for shown in (by_columns, by_instances):
        assert json.loads(encode(shown)) == json.loads(encode(said))
        assert [list(row) for row in shown] == [list(row) for row in said]


@pytest.mark.parametrize("viewset", VIEWSETS)
@pytest.mark.usefixtures("_odd_rows")
def test_an_instance_with_its_details_is_shown_without_a_query(
    viewset: type[ListViewSet[Any]], django_assert_num_queries: Any
) -> None:
    representation = representation_of(viewset.serializer_class)
    rows = list(viewset.queryset.all())
    with django_assert_num_queries(0):
        for row in rows:
            representation.row_of(row)


class Shout(serializers.CharField):
    def to_representation(self, value: str) -> str:
        return value.upper()


class Nested(serializers.Serializer[Any]):
    name = serializers.CharField()


def serializer_with(**members: Any) -> type[serializers.Serializer[Any]]:
    """A serializer of clients that shows the name, and has members of its own."""
    declared = [name for name in members if name != "to_representation"]
    meta = type("Meta", (), {"model": Client, "fields": ["name", *declared]})
    return type("OddSerializer", (ModelSerializer,), {"Meta": meta, **members})


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        pytest.param(
            {"to_representation": lambda self, instance: {}},
            "OddSerializer.to_representation would be ignored",
            id="to_representation",
        ),
        pytest.param(
            {"company": serializers.SerializerMethodField()},
            "OddSerializer.company: SerializerMethodField is not supported",
            id="a method",
        ),
        pytest.param(
            {"external_user": Nested()},
            "OddSerializer.external_user: Nested is not supported",
            id="a nested serializer",
        ),
        pytest.param(
            {"company": serializers.CharField(source="pk")},
            "OddSerializer.company: pk is not a column",
            id="a property",
        ),
    ],
)
def test_what_would_be_ignored_is_refused(members: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        Representation(serializer_with(**members))


def test_a_serializer_by_action_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="get_serializer_class is not supported"):
        type("OddViewSet", (ListViewSet,), {"get_serializer_class": lambda self: None})


def test_a_field_that_shows_in_its_own_way_is_asked(db: None) -> None:
    Client.objects.create(name="Fern")
    shown = Representation(serializer_with(company=Shout(source="name")))
    assert shown.of(Client.objects.all(), CALLER) == [{"name": "Fern", "company": "FERN"}]


def test_one_field_alone_is_shown(db: None) -> None:
    Client.objects.create(name="Fern")
    assert Representation(serializer_with()).of(Client.objects.all(), CALLER) == [{"name": "Fern"}]
