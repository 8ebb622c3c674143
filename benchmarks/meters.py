"""CPU time and memory as the kernel counts them (/proc), exact to a hundredth of a second.

CPU seconds are user and system time. A process's own stand in fields 14 and 15 of
/proc/PID/stat, those of its children that have ended in 16 and 17. What a PostgreSQL server has
used is the sum of these four over the postmaster and its children: backends, parallel workers,
checkpointer and log writer, ended ones included.
"""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")  # a second
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")  # bytes
PARENT, RESIDENT_PAGES = 1, 21  # places behind the name of the program
OWN, ENDED = slice(11, 13), slice(13, 15)


def _stat(process: int) -> list[str]:
    """Return the fields behind the name; empty once the process is gone."""
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _all() -> dict[int, list[str]]:
    numbers = [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
    return {number: fields for number in numbers if (fields := _stat(number))}


def family(process: int) -> list[int]:
    """Return a process, those that it has started and that still run, and theirs."""
    everybody, found = _all(), [process]
    for member in found:  # grows while it is read
        found += [child for child, fields in everybody.items() if fields[PARENT] == str(member)]
    return found


def parent(process: int) -> int:
    """Return who started a process; 0 if there is no such process on this machine."""
    fields = _stat(process)
    return int(fields[PARENT]) if fields else 0


def cpu_seconds(process: int) -> float:
    """Return what a process and all that it has ever started have used."""
    while True:
        ended = _stat(process)[ENDED]
        members = [_stat(member) for member in family(process)]
        # A child that ends between two readings would count twice or not at all.
        if _stat(process)[ENDED] == ended:
            ticks = [value for fields in members for value in (*fields[OWN], *fields[ENDED])]
            return sum(map(int, ticks)) / TICKS


def resident_bytes(process: int) -> int:
    """Return how much memory a process occupies (RSS)."""
    fields = _stat(process)
    return int(fields[RESIDENT_PAGES]) * PAGE_SIZE if fields else 0
