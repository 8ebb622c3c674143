"""What an import did to rows: each one in a CSV file, and counted by its reason."""

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from moving.errors import CannotMove
from reports.exports import safe

TITLES = ("table", "id", "what", "reason", "field", "before", "after")
CHANGED, RENAMED, LEFT_OUT = "changed", "renamed", "left out"


class ImportReport:
    """Notes of rows that are not as they were."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(TITLES)
        self.counts: Counter[tuple[str, str, str]] = Counter()

    def changed(
        self, table: str, key: object, reason: str, field: str, before: object, after: object
    ) -> None:
        """Note that a value is another one."""
        self._note(table, key, CHANGED, reason, field, before, after)

    def renamed(self, table: str, key: object, reason: str, before: str, after: str) -> None:
        """Note that a row has another name."""
        self._note(table, key, RENAMED, reason, "name", before, after)

    def left_out(
        self, table: str, key: object, reason: str, field: str = "", before: object = ""
    ) -> None:
        """Note that a row, or a value of it, is not here."""
        self._note(table, key, LEFT_OUT, reason, field, before, "")

    def lines(self) -> Iterator[str]:
        """Yield a line for each reason, with the number of rows."""
        for (table, what, reason), count in sorted(self.counts.items()):
            yield f"{table}: {count:,} {what}: {reason}"

    def _note(
        self,
        table: str,
        key: object,
        what: str,
        reason: str,
        field: str,
        before: object,
        after: object,
    ) -> None:
        self.counts[table, what, reason] += 1
        self._writer.writerow([table, key, what, reason, field, _cell(before), _cell(after)])


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Open a file that was not there before, for its owner alone; it is gone if writing fails."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(0o600, exist_ok=False)
    except OSError as error:
        raise CannotMove(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException:
        path.unlink()
        raise


def _cell(value: object) -> str:
    return "" if value is None else safe(str(value))
