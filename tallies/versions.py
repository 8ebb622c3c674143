"""A number for each list that every change of what it shows makes larger."""

from typing import Any

from django.db.models import Q, Sum

from tallies.models import Tally

# The tables whose columns a list shows beside its own: a project that is renamed changes the
# lists of its time entries.
SHOWN = {
    "clients": (Tally.Kind.CLIENTS,),
    "projects": (Tally.Kind.PROJECTS, Tally.Kind.CLIENTS),
    "tasks": (Tally.Kind.TASKS, Tally.Kind.PROJECTS),
    "time_entries": (
        Tally.Kind.USERS,
        Tally.Kind.CLIENTS,
        Tally.Kind.PROJECTS,
        Tally.Kind.TASKS,
    ),
    "users": (Tally.Kind.USERS,),
}


def list_version(resource: str, user: Any) -> int:
    """Return a number that grows with every committed change of a list that a user may see.

    `resource` is the plural key: `time_entries`, `projects`, `tasks`, `clients`, `users`. It is
    the number of writes to all the tables that the list shows, of time entries only those that
    the user sees, whatever the filters; asked in one query that reads none of their rows. The
    list is the same as long as the number is, but for what depends on the clock: a running
    timer's duration, and whoever the user is: put id and role into the tag too.

    Ask before the rows are read: a write in between then makes the tag too old, never too new.
    """
    counted = Q(kind__in=(*SHOWN[resource], Tally.Kind.INSTALLED))
    if resource == "time_entries":
        everyone = Q(kind=Tally.Kind.ENTRIES, key=0)
        own = Q(kind=Tally.Kind.ENTRIES_OF_USER, key=user.pk)
        counted |= everyone if user.is_superuser else own
    return int(Tally.objects.filter(counted).aggregate(writes=Sum("writes"))["writes"] or 0)
