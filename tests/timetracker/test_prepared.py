"""A prepared query answers what the queryset would, each time anew."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import StrIndex
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from projects.models import Project
from tests.factories import make_client, make_project
from timetracker.prepared import MOST_SHAPES, PreparedGet, PreparedRows

find = PreparedGet(Project.objects.select_related("client"), "name")
COLUMNS = ["id", "name", "client__name", "hourly_rate", "billable", "created_at"]


@pytest.mark.django_db
def test_a_row_comes_with_its_related_row_in_one_query(django_assert_num_queries: Any) -> None:
    project = make_project("Site", client=make_client("Fern"), hourly_rate="75.50")
    find("Site")
    with django_assert_num_queries(1):
        found = find("Site")
        assert found == project
        assert found.client == project.client
    expected = Project.objects.get(pk=project.pk)
    for field in Project._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(expected, field.attname)


@pytest.mark.django_db
def test_without_a_related_row_there_is_none() -> None:
    make_project("Own")
    found = find("Own")
    assert found is not None
    assert found.client is None


@pytest.mark.django_db
def test_nothing_is_remembered() -> None:
    assert find("Site") is None
    project = make_project("Site")
    assert find("Site") == project
    Project.objects.filter(pk=project.pk).update(name="Shop")
    assert find("Site") is None


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_over_its_own_connection() -> None:
    project, found = make_project("Site"), []
    assert find("Site") == project

    def look() -> None:
        found.append(find("Site"))
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [project] * 4


@pytest.mark.django_db
def test_a_row_is_found_by_its_id() -> None:
    by_id = PreparedGet(Project.objects.all(), "pk", example=0)
    project = make_project("Site")
    assert by_id(project.pk) == project
    assert by_id(10**18 - 1) is None


QUERYSETS: list[QuerySet[Project]] = [
    Project.objects.all(),
    Project.objects.order_by(),
    Project.objects.order_by("-created_at", "id"),
    Project.objects.select_related("client"),
    Project.objects.filter(name="Site"),
    Project.objects.filter(name="Shop"),
    Project.objects.filter(Q(name__icontains="s") | Q(client=None), hourly_rate__gte="75.50"),
    Project.objects.filter(client__name="Fern", billable=True),
    Project.objects.exclude(client__name="Fern"),
    Project.objects.filter(pk__in=[]),
    Project.objects.none(),
    Project.objects.alias(at=StrIndex("name", Value("o"))).filter(at__gt=0),
    Project.objects.all()[:2],
    Project.objects.all()[1:3],
    Project.objects.filter(billable=True)[1:],
    Project.objects.all()[3:3],
]


@pytest.mark.django_db
def test_rows_are_those_of_the_queryset() -> None:
    rows, fern = PreparedRows(COLUMNS), make_client("Fern")
    make_project("Site", client=fern, hourly_rate="75.50")
    make_project("Shop", client=fern, billable=False)
    make_project("Own", hourly_rate="80.00")
    for queryset in [*QUERYSETS, *QUERYSETS]:
        expected = list(queryset.values_list(*COLUMNS))
        assert [tuple(row) for row in rows(queryset)] == expected, str(queryset.query)


@pytest.mark.django_db
def test_a_shape_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, site = PreparedRows(["name"]), make_project("Site")
    for _ in range(2):
        found = Project.objects.filter(pk=site.pk)
        assert [*map(tuple, rows(found))] == [*map(tuple, rows(found[:1]))] == [("Site",)]
        monkeypatch.setattr(SQLCompiler, "as_sql", None)
    others = Project.objects.filter(pk=site.pk + 1)
    assert rows(others) == rows(others[1:2]) == []


@pytest.mark.django_db
def test_only_so_many_shapes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = PreparedRows(["id"])
    make_project("Site")
    [found] = rows(Project.objects.all())
    for number in range(2, MOST_SHAPES + 5):
        ids = [found[0], *range(-number, -1)]
        assert [tuple(row) for row in rows(Project.objects.filter(pk__in=ids))] == [found]
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    with pytest.raises(TypeError):  # compiled anew
        rows(Project.objects.all())


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
def test_a_lock_is_a_shape_of_its_own() -> None:
    rows = PreparedRows(["name"])
    for locked in (Project.objects.all(), Project.objects.select_for_update()):
        with CaptureQueriesContext(connection) as captured:
            rows(locked)
        [query] = captured
        assert query["sql"].rstrip().endswith("FOR UPDATE") is locked.query.select_for_update


@pytest.mark.django_db
def test_a_query_with_other_parameters_is_refused() -> None:
    by_name = Project.objects.order_by(StrIndex("name", Value("o")))
    with pytest.raises(ValueError, match="Only its conditions"):
        PreparedRows(["id"])(by_name)
