"""How a report names people: fully, or as `Person 1` where a name must not be known."""

from collections.abc import Sequence

from reports.groups import Group
from users.models import User

ONLY_PERSON = "Person 1"  # of a report that is about one


def name_people(whole: Group, levels: Sequence[str], *, hidden: bool) -> None:
    """Name the groups of users; the API has their user names, which never change."""
    groups = [path[levels.index("user")] for path in whole.leaves()]
    people = sorted({int(group.key or 0) for group in groups})
    if hidden:
        names = {pk: f"Person {number}" for number, pk in enumerate(people, 1)}
    else:
        users = User.objects.in_bulk(people).items()
        names = {pk: user.get_full_name() or user.username for pk, user in users}
    for group in groups:
        group.name = names[int(group.key or 0)]
