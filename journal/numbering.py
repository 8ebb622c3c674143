"""The order of the feed: committed changes get numbers, under a lock, when somebody reads.

Ids are drawn before the commit, so a reader who remembers the highest id that it saw would miss
a lower one that is committed later. Numbers are given to committed rows only, by one reader at
a time: below a number that can be seen nothing can appear any more. Writers never wait for it.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists

from journal.models import Change, Feed, new_epoch

# A reader who comes after a long time numbers so many and leaves the rest to the next one: it
# keeps other readers waiting for 50 ms on PostgreSQL.
MOST_AT_ONCE = 2_500
# Who wants to be at the end numbers so often.
MOST_TURNS = 8
DELETED_AT_ONCE = 10_000


class TooManyWaiting(Exception):
    """More changes wait for a number than one request gives; the next one gives more."""


NUMBER = """
    UPDATE changes_change SET seq = numbered.seq
    FROM (
        SELECT id, %s + ROW_NUMBER() OVER (ORDER BY id) AS seq
        FROM changes_change WHERE seq IS NULL ORDER BY id LIMIT %s
    ) AS numbered
    WHERE changes_change.id = numbered.id
"""


def numbered_feed() -> Feed:
    """Return how far the feed goes, once the changes that are committed by now have numbers.

    At most `MOST_AT_ONCE` get theirs in one call; `waiting` says whether more do not have one.
    """
    found = Feed.objects.annotate(have_come=Exists(Change.objects.waiting()))
    feed = found.filter(pk=Feed.ONLY).first()
    if feed is None or feed.have_come:
        return number_waiting()
    return feed


def feed_of_now() -> Feed:
    """Return how far the feed goes once all that is committed has a number."""
    for _ in range(MOST_TURNS):
        feed = numbered_feed()
        if not feed.waiting:
            return feed
    raise TooManyWaiting


@transaction.atomic
def number_waiting() -> Feed:
    """Give the oldest waiting changes their numbers, in the order of their ids.

    The statement that numbers begins after the lock was taken, so it sees all that the one
    before us numbered. Two changes of one row are both visible or only the first is: the lock
    of the row keeps the second from being written before the first is committed.
    """
    feed = Feed.locked()
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, [feed.last_seq, MOST_AT_ONCE])
        feed.last_seq += cursor.rowcount
        feed.waiting = cursor.rowcount == MOST_AT_ONCE
    feed.save(update_fields=["last_seq"])
    return feed


def prune(before: datetime) -> int:
    """Throw away the changes made before an instant (UTC); return how many.

    Cursors that would need them expire first.
    """
    while Change.objects.waiting().exists():
        number_waiting()
    with transaction.atomic():
        feed = Feed.locked()
        kept = Change.objects.filter(changed_at__gte=before, seq__lte=feed.last_seq)
        oldest = kept.order_by("seq").values_list("seq", flat=True).first()
        through = feed.last_seq if oldest is None else oldest - 1
        feed.pruned_through = max(feed.pruned_through, through)
        feed.save(update_fields=["pruned_through"])
    return _delete_through(feed.pruned_through)


def expire_cursors() -> None:
    """Make all who follow the feed list afresh: rows changed past the journal."""
    feed = Feed.current()
    Feed.objects.filter(pk=feed.pk).update(epoch=new_epoch())


def _delete_through(seq: int) -> int:
    deleted = 0
    while True:
        batch = Change.objects.filter(seq__lte=seq).order_by("seq")[:DELETED_AT_ONCE]
        count, _ = Change.objects.filter(pk__in=batch.values("pk")).delete()
        if not count:
            return deleted
        deleted += count
