"""What to say of a name that we do not know."""

import difflib
from collections.abc import Iterable


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names what was probably meant, or all that would be accepted."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"Unknown. Did you mean '{close[0]}'?"
    if not known:
        return "Unknown. Nothing is accepted here."
    return f"Unknown. Known are: {', '.join(sorted(known))}."
