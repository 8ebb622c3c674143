"""What more people would see, or could do, than with the original."""

from collections.abc import Iterator, Sequence

from moving.original.people import People
from moving.original.source import Source
from moving.original.tokens import Tokens
from moving.original.work import AllWork

MOST_NAMED = 20


def disclosures(source: Source, people: People, work: AllWork, tokens: Tokens) -> Iterator[str]:
    """Yield a sentence for each thing that somebody has to agree to."""
    ordinary = people.ordinary
    if ordinary and work.clients:
        yield (
            f"All {len(ordinary):,} active users who are not administrators will see all"
            f" {len(work.clients):,} clients, with their email addresses, telephone numbers,"
            f" postal addresses and hourly rates, all {len(work.projects):,} projects and all"
            f" {len(work.tasks):,} tasks. The original showed them only some of these."
        )
    restricted = {user_id for (user_id,) in source.rows("user_clients", ["user_id"])}
    names = [user.username for user in ordinary if user.pk in restricted]
    if names:
        yield f"Until now these saw only the clients assigned to them: {_named(names)}."
    if people.two_factor:
        yield (
            "There is no second factor here: a password alone will open the accounts of"
            f" {_named(people.two_factor)}."
        )
    if people.must_change:
        yield (
            "Nobody is asked here to change a password at the next login, as the original would"
            f" have asked {_named(people.must_change)}."
        )
    if tokens.reading:
        yield (
            "Here a scope such as write:projects includes read:projects. These tokens will read"
            f" more than they could: {_named(tokens.reading)}."
        )


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {more:,} more" if more > 0 else shown
