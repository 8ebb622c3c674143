"""What to say of a name that we do not know."""

import difflib
from collections.abc import Collection, Iterable

MOST_NAMED = 10  # of the unknown names of an object or a query
LONGEST_NAME = 100  # that is repeated in an answer


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names what was probably meant, or all that would be accepted."""
    known = list(known)
    close = difflib.get_close_matches(shortened(name), known, n=1)
    if close:
        return f"Unknown. Did you mean '{close[0]}'?"
    if not known:
        return "Unknown. Nothing is accepted here."
    return f"Unknown. Known are: {', '.join(sorted(known))}."


def unknown_names(names: Iterable[str], known: Collection[str]) -> dict[str, list[str]]:
    """Return the errors of the names that are not known: the first few by name, the rest counted.

    However many a megabyte holds, what they cost and the answer stay small.
    """
    accepted = set(known)
    unknown = [name for name in names if name not in accepted]
    errors = {shortened(name): [unknown_name(name, known)] for name in unknown[:MOST_NAMED]}
    if len(unknown) > MOST_NAMED:
        more = f"{len(unknown) - MOST_NAMED:,}".replace(",", " ")
        errors["non_field_errors"] = [f"… and {more} more unknown names."]
    return errors


def shortened(name: str) -> str:
    """Return a name as an answer may repeat it."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
