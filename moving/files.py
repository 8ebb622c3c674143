"""Files of an export: written once, private, and with their checksums."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from moving.errors import CannotMove
from moving.manifest import Contents

UNFINISHED = ".unfinished"
SUFFIXES = (".jsonl", ".csv", UNFINISHED)


class NewFile:
    """A file that only its owner can read, and that was not there before."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._digest, self._bytes = hashlib.sha256(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            if error is None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def write(self, data: bytes) -> None:
        """Write what follows."""
        self._file.write(data)
        self._digest.update(data)
        self._bytes += len(data)

    @property
    def contents(self) -> Contents:
        """What has been written."""
        return Contents(self._bytes, self._digest.hexdigest())


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Fill a folder that is new or empty; what was written goes again if something fails."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        is_filled = any(folder.iterdir())
    except OSError as error:
        raise CannotMove(f"{folder} cannot be written: {error.strerror}.") from error
    if is_filled:
        raise CannotMove(f"{folder} is not empty. Name a new or an empty directory.")
    try:
        yield
    except BaseException as error:
        for path in folder.iterdir():
            if path.suffix in SUFFIXES:
                path.unlink()
        if isinstance(error, OSError):
            raise CannotMove(f"{folder} cannot be written: {error.strerror}.") from error
        raise


def complete(folder: Path, name: str, data: bytes) -> None:
    """Write the last file of a folder: it is there as a whole, or not at all."""
    unfinished = folder / f"{name}{UNFINISHED}"
    with NewFile(unfinished) as file:
        file.write(data)
    unfinished.rename(folder / name)
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def check(path: Path, expected: Contents) -> None:
    """Raise CannotMove unless a file is as it was written."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CannotMove(f"{path} cannot be read: {error.strerror}.") from error
    if (size, digest) != (expected.bytes, expected.sha256):
        raise CannotMove(f"{path} is not as it was exported: its checksum is wrong.")
