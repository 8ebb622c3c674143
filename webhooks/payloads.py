"""What is sent of an event: the row as its endpoint shows it to the webhook's owner, now."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils import timezone

from api.serializers.representation import Caller, representation_of
from api.wire.renderers import encode
from changes.cursors import Cursor
from changes.feed import VIEWSETS
from journal.models import Change, Feed
from users.models import User
from webhooks.events import EVENT_TYPES, TEST, opened_by
from webhooks.models import Delivery, Webhook

Row = Mapping[str, object]


class Payloads:
    """The bodies of some deliveries of one webhook; a query for the changes and one a kind."""

    def __init__(self, webhook: Webhook, deliveries: Iterable[Delivery], feed: Feed) -> None:
        self._webhook, self._owner = webhook, webhook.user
        seqs = [delivery.seq for delivery in deliveries if delivery.seq is not None]
        self._changes = {change.seq: change for change in Change.objects.filter(seq__in=seqs)}
        self._rows = rows_of(self._changes.values(), self._owner)
        entries = "all" if self._owner.is_superuser else "own"
        kinds = opened_by(webhook.events)
        types = ",".join(kind for kind in VIEWSETS if kind in kinds)
        self._cursor = Cursor(feed.epoch, 0, self._owner.pk, f"{entries} {types}", chosen=True)

    def body_of(self, delivery: Delivery) -> bytes | None:
        """Return the body of a delivery; None if its owner may not see what it is about.

        Of what was deleted, or is out of the owner's sight since, only the id is sent.
        """
        if delivery.event == TEST:
            return encode(self._test(delivery))
        change = self._changes.get(delivery.seq)
        if change is None or not change.is_visible_to(self._owner):
            return None
        event = EVENT_TYPES[delivery.event]
        key = (change.type, change.object_id)
        row = None if event.is_deletion else self._rows.get(key)
        return encode(
            {
                "type": event.name,
                "timestamp": change.changed_at,
                "seq": change.seq,
                "cursor": str(replace(self._cursor, seq=change.seq or 0)),
                "changed_by": change.user_id,
                "fields": change.fields,
                "data": {event.kind: row or {"id": change.object_id}},
            }
        )

    def _test(self, delivery: Delivery) -> Row:
        return {
            "type": TEST,
            "timestamp": delivery.created_at,
            "seq": None,
            "cursor": None,
            "changed_by": self._owner.pk,
            "fields": [],
            "data": {"webhook": {"id": self._webhook.pk, "url": self._webhook.url}},
        }


def rows_of(changes: Iterable[Change], owner: User) -> dict[tuple[str, object], Row]:
    """Return the rows that changes are about, by kind and id, as far as a user sees them now."""
    ids: dict[str, set[int]] = {}
    for change in changes:
        ids.setdefault(change.type, set()).add(change.object_id)
    caller = Caller(timezone.now(), owner.pk)
    found: dict[tuple[str, object], Row] = {}
    for kind, pks in ids.items():
        viewset = VIEWSETS[kind]
        rows = viewset.queryset.all().visible_to(owner).filter(pk__in=pks).order_by("pk")
        for row in representation_of(viewset.serializer_class).of(rows, caller):
            found[kind, row["id"]] = row
    return found
