"""Bar charts as SVG, made on the server: nothing to load and nothing to run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

HEIGHT = 100  # its own units: the page stretches it
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


def _stacked(amounts: Mapping[str, int], top: int) -> list[Part]:
    parts, below = [], 0
    for kind, amount in amounts.items():
        if amount:
            below += amount
            y, height = HEIGHT - below * HEIGHT / top, amount * HEIGHT / top
            # Text, because a template would write a number in the user's language.
            parts.append(Part(kind, f"{y:.2f}", f"{height:.2f}"))
    return parts
