"""Charts of bars as SVG, made on the server: nothing to load and nothing to run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

HEIGHT = WIDTH = 100  # their own units: the page stretches them
STEP = 10


@dataclass(frozen=True)
class Part:
    """A part of a bar; `kind` is its class in the style sheet."""

    kind: str
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """A bar; `title` is its tooltip."""

    name: str
    title: str
    x: int
    parts: list[Part]


@dataclass(frozen=True)
class BarChart:
    """Bars side by side, shown by `admin/bars.html`."""

    bars: list[Bar]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, Mapping[str, int]]], top: int) -> Self:
        """Return the chart of rows (name, title, amount of each kind, the lowest first).

        `top` is the amount that takes the full height.
        """
        return cls(
            [
                Bar(name, title, number * STEP, _stacked(amounts, top))
                for number, (name, title, amounts) in enumerate(rows)
            ]
        )

    @property
    def width(self) -> int:
        """Return the width in the chart's own units."""
        return len(self.bars) * STEP


@dataclass(frozen=True)
class Stretch:
    """A part of a row; `kind` is its class in the style sheet."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True)
class ChartRow:
    """A horizontal bar with its amount in words; `title` is its tooltip."""

    name: str
    title: str
    words: str
    parts: list[Stretch]


@dataclass(frozen=True)
class RowChart:
    """Bars one below the other, each beside its name, shown by `admin/rows.html`."""

    rows: list[ChartRow]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, Mapping[str, int]]], top: int) -> Self:
        """Return the chart of rows (name, title, words, amount of each kind, from the left).

        `top` is the amount that takes the full width.
        """
        return cls(
            [
                ChartRow(name, title, words, _in_line(kinds, top))
                for name, title, words, kinds in rows
            ]
        )


def _in_line(amounts: Mapping[str, int], top: int) -> list[Stretch]:
    parts, left = [], 0
    for kind, amount in amounts.items():
        if amount:
            x, width = left * WIDTH / top, amount * WIDTH / top
            parts.append(Stretch(kind, f"{x:.2f}", f"{width:.2f}"))
            left += amount
    return parts


def _stacked(amounts: Mapping[str, int], top: int) -> list[Part]:
    parts, below = [], 0
    for kind, amount in amounts.items():
        if amount:
            below += amount
            y, height = HEIGHT - below * HEIGHT / top, amount * HEIGHT / top
            # Text, because a template would write a number in the user's language.
            parts.append(Part(kind, f"{y:.2f}", f"{height:.2f}"))
    return parts
