"""A clock that stands still until a test moves it."""

import time

import pytest


class Clock:
    """What `time.time()` answers."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time as Python tells it, frozen in January 2024."""
    frozen = Clock(1_705_312_800.25)
    monkeypatch.setattr(time, "time", frozen)
    return frozen
