"""The forms in which texts are stored, searched and sorted, the same on both databases.

The databases' own rules differ: SQLite knows only the case of A to Z, and PostgreSQL's depend on
its locale.
"""

import unicodedata

LONGEST_SORT_KEY = 200


def normal(text: str) -> str:
    """Return a text in Unicode's normal form C, as it is stored."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Return a text as it is compared: canonical caseless matching, Unicode 3.13, D145.

    The dot of İ goes too, which no other i keeps: istanbul is İstanbul.
    """
    if text.isascii():
        return text.lower()
    caseless = unicodedata.normalize("NFD", text).casefold()
    dotless = unicodedata.normalize("NFD", caseless).replace("i\u0307", "i")
    return unicodedata.normalize("NFC", dotless)


def sort_key(text: str) -> str:
    """Return the sort key of a name, compared by code points: Ä sorts with A, a with A."""
    if text.isascii():
        return text.lower()[:LONGEST_SORT_KEY]
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.casefold()[:LONGEST_SORT_KEY]
