"""Many ids as one parameter."""

import pytest
from django.db import connection

from database.arrays import AMONG, array


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ids", "found"),
    [
        pytest.param([], [], id="none"),
        pytest.param([2], [2], id="one"),
        pytest.param({3, 1, 9}, [1, 3], id="several"),
    ],
)
def test_a_condition_takes_any_number_of_ids(ids: set[int], found: list[int]) -> None:
    numbers = "SELECT 1 AS number UNION SELECT 2 UNION SELECT 3"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number FROM ({numbers}) AS numbers "  # noqa: S608 - no value is in it
            f"WHERE number {AMONG[connection.vendor]} ORDER BY number",
            [array(ids)],
        )
        assert [number for (number,) in cursor.fetchall()] == found
