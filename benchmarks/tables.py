"""Tables of Markdown, and what the figures in them depend on."""

import os
import platform
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of Markdown whose columns line up."""
    table = [headings, *rows]
    widths = [max(len(line[place]) for line in table) for place in range(len(headings))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for line in [headings, rule, *rows]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |", flush=True)


def machine() -> str:
    """Return what the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line for line in lines if line.startswith("model name")), "").partition(": ")[2]
    load, python = os.getloadavg()[0], platform.python_version()
    return f"{os.cpu_count()} x {cpu}, Python {python}, load {load:.1f} before"


def commit(tree: Path) -> str:
    """Return the commit of a checkout, with a + when files differ from it."""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty=+"]
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    return "no commit"
