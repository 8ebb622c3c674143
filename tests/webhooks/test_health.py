"""The counts of attempts by hour."""

from datetime import UTC, datetime, timedelta

from webhooks.health import HOURS, Health, counted

NOW = datetime(2026, 11, 27, 8, 59, tzinfo=UTC)


def test_attempts_are_added_to_their_hour_and_forgotten_after_a_day() -> None:
    first = counted({}, NOW, 2, 1)
    assert first == {"2026-11-27T08": [2, 1]}
    assert counted(first, NOW + timedelta(seconds=30), 0, 1) == {"2026-11-27T08": [2, 2]}
    later = counted(first, NOW + timedelta(hours=23), 1, 0)
    assert later == {"2026-11-27T08": [2, 1], "2026-11-28T07": [1, 0]}
    assert counted(later, NOW + timedelta(hours=24), 1, 0).keys() == {
        "2026-11-28T07",
        "2026-11-28T08",
    }


def test_the_share_of_what_was_delivered_is_not_rounded_up() -> None:
    health = Health({"2026-11-27T08": [999, 1], "2026-11-25T08": [0, 50]}, NOW)
    assert (health.attempts, health.delivered, health.failed) == (1000, 999, 1)
    assert health.success == "99 %"
    assert len(health.bars.bars) == HOURS
    assert health.bars.bars[-1].title == "08:00: 999 delivered, 1 failed attempt"


def test_without_attempts_there_is_no_share() -> None:
    health = Health({}, NOW)
    assert (health.attempts, health.success) == (0, "")
