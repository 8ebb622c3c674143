"""What an export consists of: `manifest.json`, which is written last."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson
from django.conf import settings
from django.utils import timezone

from moving.errors import CannotMove
from moving.kinds import LEFT_OUT, Kind, kinds
from values.instants import format_instant

FORMAT = 1
NAME = "manifest.json"
# What rows mean depends on them: days of users without a zone, money of clients without a
# currency.
SETTINGS = ("TIME_ZONE", "CURRENCY")


@dataclass(frozen=True)
class Contents:
    """The length of a file in bytes, and its checksum in hexadecimal digits."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class ExportedKind:
    """The rows of a kind. Ids up to `last_id` have been given out, if only to deleted rows."""

    rows: int
    last_id: int | None
    columns: list[str]
    files: dict[str, Contents]

    @property
    def jsonl(self) -> Contents:
        """The file that is imported."""
        return next(each for name, each in self.files.items() if name.endswith(".jsonl"))


@dataclass(frozen=True)
class Manifest:
    """All parts by the names of their kinds, in the order in which they are imported."""

    format: int
    app_version: str
    made_at: str
    settings: dict[str, str]
    parts: dict[str, ExportedKind]
    left_out: Sequence[str]

    @classmethod
    def of(cls, parts: dict[str, ExportedKind]) -> Self:
        """Return the manifest of what has just been written."""
        return cls(
            format=FORMAT,
            app_version=settings.APP_VERSION,
            made_at=format_instant(timezone.now().replace(microsecond=0)),
            settings=current_settings(),
            parts=parts,
            left_out=[*_columns_left_out(), *LEFT_OUT],
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the manifest in a folder, as it was written; CannotMove says what is wrong."""
        try:
            found = orjson.loads((folder / NAME).read_bytes())
        except FileNotFoundError:
            raise CannotMove(
                f"{folder} has no {NAME}: it is not an export, or one that was interrupted."
            ) from None
        except (OSError, orjson.JSONDecodeError) as error:
            raise CannotMove(f"{folder / NAME} cannot be read: {error}.") from error
        if not isinstance(found, dict) or type(found.get("format")) is not int:
            raise CannotMove(f"{folder / NAME} is not the manifest of an export.")
        if found["format"] > FORMAT:
            raise CannotMove(
                f"This export has format {found['format']}, and this version of TimeTracker reads"
                f" format {FORMAT}. Use TimeTracker {found.get('app_version')} or later."
            )
        if found.pop("sha256", None) != _checksum(found):
            raise CannotMove(f"{NAME} has been changed: its own checksum is wrong.")
        parts = {
            name: ExportedKind(
                **{**each, "files": {at: Contents(**it) for at, it in each["files"].items()}}
            )
            for name, each in found.pop("parts").items()
        }
        return cls(parts=parts, **found)

    def to_json(self) -> bytes:
        """Return the text of the file. Its last line is the checksum of all others."""
        shown = asdict(self)
        return orjson.dumps(
            {**shown, "sha256": _checksum(shown)},
            option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
        )


def files_of(kind: Kind) -> tuple[str, str]:
    """Return the names of a kind's files: `users.jsonl` and `users.csv`."""
    return f"{kind.name}.jsonl", f"{kind.name}.csv"


def current_settings() -> dict[str, str]:
    """Return the settings on which the meaning of rows depends."""
    return {name: getattr(settings, name) for name in SETTINGS}


def _columns_left_out() -> list[str]:
    return [f"{', '.join(kind.left_out)} of {kind.name}" for kind in kinds() if kind.left_out]


def _checksum(shown: Mapping[str, object]) -> str:
    return hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()
