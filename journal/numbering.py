"""The order of the feed: readers number committed changes under a lock.

Ids are assigned before the commit, so a reader that remembers the highest id would miss a lower
one committed later. Numbers are assigned only to committed rows, by one reader at a time, so
nothing can appear below a visible number. Writers never wait for this.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists

from journal.models import Change, Feed, new_epoch

# Limits how long other readers wait: 50 ms on PostgreSQL.
MOST_AT_ONCE = 2_500
# Attempts to number everything, for cursor=now.
MOST_TURNS = 8
DELETED_AT_ONCE = 10_000


class TooManyWaiting(Exception):
    """More changes are unnumbered than one request may number; the next one continues."""


NUMBER = """
    UPDATE changes_change SET seq = numbered.seq
    FROM (
        SELECT id, %s + ROW_NUMBER() OVER (ORDER BY id) AS seq
        FROM changes_change WHERE seq IS NULL ORDER BY id LIMIT %s
    ) AS numbered
    WHERE changes_change.id = numbered.id
"""


def numbered_feed() -> Feed:
    """Number the committed changes and return the feed.

    At most `MOST_AT_ONCE` per call; `waiting` says whether there are more.
    """
    found = Feed.objects.annotate(have_come=Exists(Change.objects.waiting()))
    feed = found.filter(pk=Feed.ONLY).first()
    if feed is None or feed.have_come:
        return number_waiting()
    return feed


def feed_of_now() -> Feed:
    """Number all committed changes and return the feed."""
    for _ in range(MOST_TURNS):
        feed = numbered_feed()
        if not feed.waiting:
            return feed
    raise TooManyWaiting


@transaction.atomic
def number_waiting() -> Feed:
    """Number the oldest unnumbered changes, in the order of their ids.

    The UPDATE starts after the lock was acquired, so it sees all earlier numbers. Of two changes
    to one row, the second is never visible without the first: its writer waited for the row lock.
    """
    feed = Feed.locked()
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, [feed.last_seq, MOST_AT_ONCE])
        feed.last_seq += cursor.rowcount
        feed.waiting = cursor.rowcount == MOST_AT_ONCE
    feed.save(update_fields=["last_seq"])
    return feed


def prune(before: datetime) -> int:
    """Delete changes made before an instant (UTC); return how many.

    Cursors that need them expire first.
    """
    while Change.objects.waiting().exists():
        number_waiting()
    through = _last_number_before(before)
    with transaction.atomic():
        feed = Feed.locked()
        feed.pruned_through = max(feed.pruned_through, through)
        feed.save(update_fields=["pruned_through"])
    return _delete_through(feed.pruned_through)


def expire_cursors() -> None:
    """Expire all cursors, after rows were changed outside the journal."""
    feed = Feed.current()
    Feed.objects.filter(pk=feed.pk).update(epoch=new_epoch())


def _last_number_before(instant: datetime) -> int:
    """Return the number before the first change that was made at an instant or later.

    It reads all changes up to there, and so without the lock: what comes in the meantime is newer.
    """
    last = Feed.current().last_seq
    kept = Change.objects.filter(changed_at__gte=instant, seq__lte=last).order_by("seq")
    oldest = kept.values_list("seq", flat=True).first()
    return last if oldest is None else oldest - 1


def _delete_through(seq: int) -> int:
    """Delete changes, some numbers at a time: what a backup still sees is passed only once."""
    numbered = Change.objects.filter(seq__lte=seq).order_by("seq")
    first, deleted = numbered.values_list("seq", flat=True).first(), 0
    for start in range(first or seq + 1, seq + 1, DELETED_AT_ONCE):
        end = min(start + DELETED_AT_ONCE - 1, seq)
        deleted += Change.objects.filter(seq__gte=start, seq__lte=end).delete()[0]
    return deleted
