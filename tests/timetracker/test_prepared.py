"""A prepared query answers what the queryset would, each time anew."""

import threading
from typing import Any

import pytest
from django.db import connection

from projects.models import Project
from tests.factories import make_client, make_project
from timetracker.prepared import PreparedGet

find = PreparedGet(Project.objects.select_related("client"), "name")


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
