"""A prepared query answers what the queryset would, each time anew."""

import threading
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import connection, connections
from django.db.models import Count, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import StrIndex
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from clients.models import Client
from database.prepared import MOST_SHAPES, PreparedGet, PreparedRows
from projects.models import Project
from tasks.models import Task
from tests.support.factories import make_client, make_project, make_task, make_user

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
    Project.objects.reverse(),
    Project.objects.reverse()[:2],
    Project.objects.order_by("-client__name", "id"),
    Project.objects.order_by("-client__name", "id").reverse(),
    Project.objects.order_by("-client__name", "id").reverse()[1:],
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
def test_the_same_conditions_on_another_join_are_another_shape(project: Project) -> None:
    rows = PreparedRows(["name"])
    people = {"assignee": make_user("ann"), "external_user": make_user("ben")}
    make_task(project, "Draft", **people)
    for name, person in [*people.items()] * 2:
        theirs = Task.objects.filter(**{f"{name}__username": person.username})
        others = Task.objects.filter(**{f"{name}__username": "cy"})
        assert [*map(tuple, rows(theirs))] == [*map(tuple, rows(theirs[:1]))] == [("Draft",)]
        assert rows(others) == rows(others[:1]) == []


@pytest.mark.django_db
def test_another_model_is_another_shape() -> None:
    rows, _, _ = PreparedRows(["name"]), make_client("Fern"), make_project("Site")
    assert [*map(tuple, rows(Client.objects.all()))] == [("Fern",)]
    assert [*map(tuple, rows(Project.objects.all()))] == [("Site",)]


@pytest.mark.django_db(transaction=True)
def test_another_database_is_another_shape() -> None:
    rows, other = PreparedRows(["name"]), connection.copy("other")
    connections["other"] = other
    try:
        for asked in (connection, other):
            with CaptureQueriesContext(asked) as captured:
                rows(Project.objects.using(asked.alias))
            assert len(captured) == 1
    finally:
        other.close()
        del connections["other"]


def sql_of(rows: PreparedRows, queryset: QuerySet[Any]) -> str:
    """The SQL that is sent for a queryset."""
    with CaptureQueriesContext(connection) as captured:
        rows(queryset)
    [query] = captured
    return str(query["sql"]).strip()


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only there by keys")
def test_a_slice_is_a_shape_of_its_own() -> None:
    rows = PreparedRows(["name", "client__name"])
    for queryset in (Project.objects.all(), Project.objects.all()[:2], Project.objects.all()):
        assert (" IN (SELECT " in sql_of(rows, queryset)) is queryset.query.is_sliced
    assert "ORDER BY" not in sql_of(rows, Project.objects.order_by()[:2])


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
def test_each_kind_of_lock_is_a_shape_of_its_own() -> None:
    rows, projects = PreparedRows(["name"]), Project.objects.all()
    assert "FOR" not in sql_of(rows, projects)
    for locked, sql in [
        (projects.select_for_update(), "FOR UPDATE"),
        (projects.select_for_update(nowait=True), "FOR UPDATE NOWAIT"),
        (projects.select_for_update(skip_locked=True), "FOR UPDATE SKIP LOCKED"),
        (projects.select_for_update(no_key=True), "FOR NO KEY UPDATE"),
    ]:
        assert sql_of(rows, locked).endswith(sql)
        assert f" {sql} LIMIT 1)" in sql_of(rows, locked[:1])


@pytest.mark.django_db
def test_a_query_with_other_parameters_is_refused() -> None:
    by_name = Project.objects.order_by(StrIndex("name", Value("o")))
    with pytest.raises(ValueError, match="Only its conditions"):
        PreparedRows(["id"])(by_name)


MORE: list[Any] = [
    pytest.param(Project.objects.distinct(), id="distinct"),
    pytest.param(Project.objects.union(Project.objects.all()), id="combined"),
    pytest.param(Project.objects.alias(tallied=Count("id")), id="grouped"),
    pytest.param(Project.objects.extra(select={"one": "1"}), id="more columns"),
    pytest.param(Project.objects.extra(order_by=["id"]), id="ordered by SQL"),
    pytest.param(Project.objects.extra(tables=["users_user"]), id="more tables"),
    pytest.param(Project.objects.select_for_update(of=("self",)), id="lock of a table"),
    pytest.param(
        Project.objects.alias(of=FilteredRelation("client", condition=Q(client__name="Fern"))),
        id="filtered join",
    ),
    pytest.param(Project.objects.filter(tasks__name="Draft"), id="condition on many"),
    pytest.param(Project.objects.order_by("tasks__name"), id="order by many"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("queryset", MORE)
def test_what_is_no_part_of_a_shape_is_refused(queryset: QuerySet[Project]) -> None:
    rows = PreparedRows(["name"])
    rows(Project.objects.all())
    with pytest.raises(ValueError, match=r"^(Only conditions,|A join may not) "):
        rows(queryset)


@pytest.mark.django_db
def test_only_conditions_use_annotations() -> None:
    named = Project.objects.annotate(title=F("name"))
    assert PreparedRows(["name"])(named.filter(title="Site")) == []
    for queryset in (named.order_by("title"), named.order_by(F("title").desc())[:2]):
        with pytest.raises(FieldError, match="Cannot resolve keyword 'title'"):
            PreparedRows(["name"])(queryset)
    with pytest.raises(FieldError, match="Cannot resolve keyword 'title'"):
        PreparedRows(["title"])(named)
