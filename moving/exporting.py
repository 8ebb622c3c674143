"""Writing everything into a folder, in one snapshot of the database."""

from collections.abc import Callable
from pathlib import Path

from database.snapshots import snapshot
from moving.databases import refuse_unless_migrated
from moving.files import NewFile, complete, new_folder
from moving.kinds import Kind, kinds
from moving.manifest import NAME, ExportedKind, Manifest, files_of
from moving.rows import batches, csv_lines, json_lines, quoted
from moving.sequences import last_id


def export_to(folder: Path, say: Callable[[str], object]) -> None:
    """Write an export into a new or empty folder, wholly or not at all.

    The service may go on writing: the files are of one moment. The manifest comes last, so that
    a folder without it is known to be unfinished.
    """
    refuse_unless_migrated()
    with new_folder(folder):
        parts = {}
        with snapshot():
            for kind in kinds():
                parts[kind.name] = part = _write(folder, kind)
                say(f"{kind.name}: {part.rows:,}")
        complete(folder, NAME, Manifest.of(parts).to_json())


def _write(folder: Path, kind: Kind) -> ExportedKind:
    names, rows = files_of(kind), 0
    with NewFile(folder / names[0]) as jsonl, NewFile(folder / names[1]) as csv:
        csv.write((",".join(map(quoted, kind.columns)) + "\r\n").encode())
        for batch in batches(kind):
            jsonl.write(json_lines(kind, batch))
            csv.write(csv_lines(batch))
            rows += len(batch)
    files = dict(zip(names, (jsonl.contents, csv.contents), strict=True))
    return ExportedKind(rows, last_id(kind), kind.columns, files)
