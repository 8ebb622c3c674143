"""Reading an export back into an empty database, to the same rows."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from django.db import DataError, IntegrityError, connection, transaction

from database.loading import analyze
from database.postgresql.limits import lifted
from journal.numbering import expire_cursors
from moving.databases import lock_empty_tables, refuse_unless_migrated
from moving.errors import CannotMove
from moving.files import check
from moving.kinds import Kind, kinds
from moving.manifest import ExportedKind, Manifest, current_settings, files_of
from moving.rows import AT_ONCE, batches, json_lines
from moving.sequences import continue_after
from moving.table import NewRow, TableWriter
from resources.integrity import REFERENCE_BROKEN, constraints_as_errors
from resources.refusals import Refusal
from tallies.versions import renew_list_versions
from webhooks.models import Webhook

NO_SUCH_ROW = "refers to a row that is not there."


def import_from(folder: Path, say: Callable[[str], object]) -> None:
    """Read an export into an empty database, wholly or not at all; CannotMove says why not.

    Before it is committed, everything is read back and compared with the checksums.
    """
    manifest = Manifest.read(folder)
    _refuse_other_tables(manifest)
    _refuse_other_settings(manifest)
    for part in manifest.parts.values():
        for name, contents in part.files.items():
            check(folder / name, contents)
    refuse_unless_migrated()
    with lifted(), transaction.atomic(durable=True):
        lock_empty_tables()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for kind in kinds():
            _insert(folder, kind, manifest.parts[kind.name])
            say(f"{kind.name}: {manifest.parts[kind.name].rows:,}")
        _refuse_broken_references()
        for kind in kinds():
            _compare(folder, kind, manifest.parts[kind.name])
        say("Everything has been read back and is the same.")
        _begin_again()


def _refuse_other_tables(manifest: Manifest) -> None:
    """Raise CannotMove unless the export has the tables and columns of this version."""
    ours = {kind.name: kind.columns for kind in kinds()}
    theirs = {name: part.columns for name, part in manifest.parts.items()}
    if ours == theirs:
        return
    differences = [*_more(theirs, ours, "unknown here"), *_more(ours, theirs, "missing there")]
    raise CannotMove(
        f"The export has other tables or columns than this version of TimeTracker: "
        f"{'; '.join(differences) or 'their order differs'}. Import it with TimeTracker "
        f"{manifest.app_version}, which made it, and upgrade after that."
    )


def _more(some: dict[str, list[str]], others: dict[str, list[str]], verdict: str) -> Iterator[str]:
    for name, columns in some.items():
        if name not in others:
            yield f"{name} ({verdict})"
            continue
        yield from (
            f"{column} of {name} ({verdict})" for column in columns if column not in others[name]
        )


def _refuse_other_settings(manifest: Manifest) -> None:
    for name, ours in current_settings().items():
        theirs = manifest.settings[name]
        if theirs != ours:
            raise CannotMove(
                f"The export was made with {name}={theirs}, and here it is {ours}: rows without "
                f"a value of their own would get another meaning. Set {name}={theirs}."
            )


def _insert(folder: Path, kind: Kind, part: ExportedKind) -> None:
    writer, number, name = TableWriter(kind), 0, files_of(kind)[0]
    with (folder / name).open("rb") as file:
        while lines := [*islice(file, AT_ONCE)]:
            rows = []
            for place, line in enumerate(lines, start=number + 1):
                try:
                    rows.append(writer.read(line))
                except ValueError as error:
                    raise CannotMove(f"{name}, line {place}: {error}.") from error
            _insert_rows(kind, writer, rows, number + 1)
            number += len(lines)
    if number != part.rows:
        raise CannotMove(
            f"{name} has {number:,} lines, and not {part.rows:,} as the manifest says."
        )
    if part.last_id is not None:
        continue_after(kind, part.last_id)


def _insert_rows(kind: Kind, writer: TableWriter, rows: Sequence[NewRow], first: int) -> None:
    """Insert rows that begin at a line; find the line that the database refuses."""
    try:
        with constraints_as_errors(kind.model):
            writer.insert(rows)
    except (Refusal, IntegrityError, DataError) as error:
        if len(rows) == 1:
            sentence = NO_SUCH_ROW if str(error) == REFERENCE_BROKEN else str(error).strip()
            raise CannotMove(f"{files_of(kind)[0]}, line {first}: {sentence}") from error
        middle = len(rows) // 2
        _insert_rows(kind, writer, rows[:middle], first)
        _insert_rows(kind, writer, rows[middle:], first + middle)


def _refuse_broken_references() -> None:
    """Raise CannotMove for a reference to nothing, which SQLite judges at the end only."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        if found := cursor.fetchone():
            table, key, other, _ = found
            raise CannotMove(f"Row {key} of {table} refers to a row of {other} that is not there.")


def _compare(folder: Path, kind: Kind, part: ExportedKind) -> None:
    """Raise CannotMove unless the database returns what the export has."""
    name, digest, number = files_of(kind)[0], hashlib.sha256(), 0
    with (folder / name).open("rb") as file:
        for batch in batches(kind):
            returned = json_lines(kind, batch)
            given = file.read(len(returned))
            if returned != given:
                line, instead = _first_difference(given, returned)
                raise CannotMove(
                    f"{name}, line {number + line}: the database returns {instead} for it."
                )
            digest.update(returned)
            number += len(batch)
    if digest.hexdigest() != part.jsonl.sha256:
        raise CannotMove(f"{name} was changed while it was imported.")


def _first_difference(given: bytes, returned: bytes) -> tuple[int, str]:
    """Return the number of the first line that differs, from 1, and what was returned for it."""
    pairs = zip_longest(given.splitlines(), returned.splitlines(), fillvalue=b"nothing")
    return next(
        (number, other.decode(errors="replace"))
        for number, (one, other) in enumerate(pairs, start=1)
        if one != other
    )


def _begin_again() -> None:
    """Let nobody who followed another installation go on here as if nothing had happened."""
    for webhook in Webhook.objects.all():
        webhook.begin()
    expire_cursors()
    renew_list_versions()
    analyze()
