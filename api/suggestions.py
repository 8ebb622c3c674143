"""Error messages for unknown fields and parameters."""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence

MOST_NAMED = 10  # of the unknown names of an object or a query
LONGEST_NAME = 100  # that is repeated in an answer
NEAR = 0.75  # of difflib's ratio: less makes `cursor` of `sort`
CALLED_ELSEWHERE = dict.fromkeys(("page_size", "pagesize", "size", "limit"), "per_page")


def unknown_name(name: str, known: Iterable[str], *, kind: str = "field") -> str:
    """Return a sentence that suggests a similar name or lists all accepted ones."""
    known = list(known)
    if meant := _meant(shortened(name), known):
        return f"Unknown {kind}. Did you mean '{meant}'?"
    if not known:
        return f"Unknown {kind}. No {kind}s are accepted here."
    return f"Unknown {kind}. Accepted: {', '.join(sorted(known))}."


def _meant(name: str, known: Sequence[str]) -> str | None:
    """Return a known alias, prefix match (`user`: `user_id`) or close spelling.

    A misleading hint costs more time than none.
    """
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()
    candidates = [CALLED_ELSEWHERE.get(spelled), spelled]
    candidates += [other for other in known if other.startswith(f"{spelled}_")]
    candidates += difflib.get_close_matches(spelled, known, n=1, cutoff=NEAR)
    return next((candidate for candidate in candidates if candidate in known), None)


def unknown_names(
    names: Iterable[str], known: Collection[str], *, kind: str = "field"
) -> dict[str, list[str]]:
    """Return an error for each of the first unknown names, and the number of the others.

    A body may hold a megabyte of unknown names; cost and response stay small.
    """
    accepted = set(known)
    unknown = [name for name in names if name not in accepted]
    errors = {
        shortened(name): [unknown_name(name, known, kind=kind)] for name in unknown[:MOST_NAMED]
    }
    if len(unknown) > MOST_NAMED:
        more = f"{len(unknown) - MOST_NAMED:,}".replace(",", " ")
        errors["non_field_errors"] = [f"… and {more} more unknown {kind}s."]
    return errors


def shortened(name: str) -> str:
    """Truncate a name so that a response can repeat it."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
