"""Types of command line arguments (argparse's `type=`)."""

from argparse import ArgumentTypeError

MOST_DAYS = 36_500


def at_least_one(text: str) -> int:
    """Return a whole number; ArgumentTypeError unless it is 1 or greater."""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise ArgumentTypeError(f"must be a whole number, 1 or greater, not {text!r}")
    return int(text)


def days(text: str) -> int:
    """Return a number of days; ArgumentTypeError unless it is 1 to a hundred years."""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"must be a whole number of days, 1 or greater, not {text!r}")
    return int(text)
