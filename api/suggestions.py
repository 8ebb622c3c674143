"""What to say of a name that we do not know."""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence

MOST_NAMED = 10  # of the unknown names of an object or a query
LONGEST_NAME = 100  # that is repeated in an answer
NEAR = 0.75  # of difflib's ratio: less makes `cursor` of `sort`
CALLED_ELSEWHERE = dict.fromkeys(("page_size", "pagesize", "size", "limit"), "per_page")


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names what was probably meant, or all that would be accepted."""
    known = list(known)
    if meant := _meant(shortened(name), known):
        return f"Unknown. Did you mean '{meant}'?"
    if not known:
        return "Unknown. Nothing is accepted here."
    return f"Unknown. Accepted: {', '.join(sorted(known))}."


def _meant(name: str, known: Sequence[str]) -> str | None:
    """Return what others call so, what begins so (`user`: `user_id`), or is spelled nearly so.

    A hint that misleads costs more time than none.
    """
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()
    candidates = [CALLED_ELSEWHERE.get(spelled), spelled]
    candidates += [other for other in known if other.startswith(f"{spelled}_")]
    candidates += difflib.get_close_matches(spelled, known, n=1, cutoff=NEAR)
    return next((candidate for candidate in candidates if candidate in known), None)


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
