"""Amounts and rounding."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from values.currencies import MINUTES, MODES, Rounding, amount_of
from values.money import ROUNDINGS


@pytest.mark.parametrize(
    ("seconds", "rate", "currency", "amount"),
    [
        pytest.param(3600, "75.50", "EUR", "75.50", id="an hour"),
        pytest.param(1, "36.00", "EUR", "0.01", id="a cent"),
        pytest.param(1, "17.99", "EUR", "0.00", id="less than half a cent"),
        pytest.param(1, "18.00", "EUR", "0.01", id="half a cent is rounded up"),
        pytest.param(5400, "75.33", "JPY", "113", id="a currency without a minor unit"),
        pytest.param(5400, "75.33", "KWD", "112.995", id="a currency of three decimals"),
        pytest.param(0, "75.33", "EUR", "0.00", id="nothing"),
    ],
)
def test_an_amount_is_rounded_once(seconds: int, rate: str, currency: str, amount: str) -> None:
    assert amount_of(seconds, Decimal(rate), currency) == Decimal(amount)
    assert str(amount_of(seconds, Decimal(rate), currency)) == amount


@pytest.mark.parametrize(
    ("rounding", "minutes", "rounded"),
    [
        pytest.param(Rounding(15, "up"), 1, 15, id="up"),
        pytest.param(Rounding(15, "up"), 15, 15, id="up to itself"),
        pytest.param(Rounding(15, "down"), 14, 0, id="down"),
        pytest.param(Rounding(15, "nearest"), 7, 0, id="nearest below"),
        pytest.param(Rounding(15, "nearest"), 7.5, 15, id="half a step is rounded up"),
        pytest.param(Rounding(60, "up"), 61, 120, id="hours"),
    ],
)
def test_time_is_rounded_to_whole_steps(rounding: Rounding, minutes: float, rounded: int) -> None:
    assert rounding.rounded(int(minutes * 60)) == rounded * 60


@given(st.sampled_from(MINUTES), st.sampled_from(MODES), st.integers(min_value=0, max_value=10**7))
def test_rounding_moves_by_less_than_a_step(minutes: int, mode: str, seconds: int) -> None:
    step = minutes * 60
    rounding = Rounding.of(f"{minutes} {mode}")
    assert rounding in ROUNDINGS
    rounded = rounding.rounded(seconds)
    assert rounded % step == 0
    assert rounding.rounded(rounded) == rounded
    moved = {"up": rounded - seconds, "down": seconds - rounded}
    assert 0 <= moved.get(mode, 0) < step
    assert abs(rounded - seconds) <= (step // 2 if mode == "nearest" else step)
