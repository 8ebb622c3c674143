"""What a user is: in which zone, in which role."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from users.models import User


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        pytest.param({"is_superuser": True}, "admin", id="superuser"),
        pytest.param({"is_staff": True}, "user", id="staff alone"),
        pytest.param({}, "user", id="anybody"),
        pytest.param({"is_superuser": True, "is_active": False}, "user", id="former superuser"),
    ],
)
def test_an_administrator_is_an_active_superuser(fields: dict[str, Any], role: str) -> None:
    assert User(username="olga", **fields).role == role


def test_without_a_zone_of_ones_own_the_servers_counts(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    assert User(username="olga").zone == ZoneInfo("Asia/Kolkata")
    assert User(username="olga", time_zone="Europe/Berlin").zone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "europe/berlin"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        User(username="olga", time_zone=name).clean()
    assert caught.value.message_dict == {
        "time_zone": ["Must be an IANA time zone name such as Europe/Berlin."]
    }
