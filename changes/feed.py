"""The feed: every row first, then every change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.module_loading import import_string

from api.serializers.representation import representation_of
from api.views import ApiRequest
from api.viewsets import ResourceViewSet
from journal.journaled import Journaled, type_of
from journal.models import Change
from registry import declared
from resources.models import Resource

# Sequence numbers that one page scans for visible changes.
LOOKED_THROUGH = 20_000


def _viewsets() -> dict[str, type[ResourceViewSet[Resource]]]:
    configs = [config for config in declared.api_apps() if config.viewset and config.in_feed]
    found = {declared.model_of(config): import_string(config.viewset) for config in configs}
    journaled = [model for model in found if issubclass(model, Journaled)]
    return {type_of(model): found[model] for model in declared.references_first(journaled)}


# In this order, so that referenced rows come first.
VIEWSETS = _viewsets()

Row = dict[str, Any]  # as an endpoint shows it
Items = list[Row]


@dataclass(frozen=True)
class Reader:
    """The request and the requested types."""

    request: ApiRequest
    types: Sequence[str]

    def listed(
        self, after: tuple[str, int], seq: int, limit: int
    ) -> tuple[Items, tuple[str, int] | None]:
        """Return the rows after a type and id, and the next position; None at the end.

        Ordered by id, so that concurrent inserts and deletes cannot shift rows between pages.
        """
        order, items = list(VIEWSETS), Items()
        for kind in order[order.index(after[0]) :]:
            last = after[1] if kind == after[0] else 0
            if kind not in self.types:
                continue
            found = self._rows(kind, pk__gt=last)[: limit - len(items)]
            items += [
                _item(seq, kind, row["id"], row, row["updated_at"], None)
                for row in self._represented(kind, found)
            ]
            if len(items) == limit:
                return items, (kind, items[-1]["id"])
        return items, None

    def changed(self, after: int, end: int, limit: int) -> tuple[Items, int]:
        """Return the changes in a range of sequence numbers, and the last number covered.

        Only the last change of each row, with its current contents: later changes repeat anything
        that is missing in between.
        """
        end = min(end, after + LOOKED_THROUGH)
        found = Change.objects.visible_to(self.request.user).filter(
            type__in=self.types, seq__gt=after, seq__lte=end
        )
        page = list(found.order_by("seq")[:limit])
        latest: dict[tuple[str, int], Change] = {}
        for change in page:
            latest.pop((change.type, change.object_id), None)
            latest[change.type, change.object_id] = change
        rows = self._rows_now(latest)
        items = [
            _item(
                change.seq,
                *key,
                rows.get(key),
                change.changed_at,
                change.user_id,
            )
            for key, change in latest.items()
        ]
        return items, page[-1].seq or end if len(page) == limit else end

    def _rows_now(self, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Row]:
        """Return those of the rows that the caller may see."""
        ids: dict[str, list[int]] = {}
        for kind, pk in keys:
            ids.setdefault(kind, []).append(pk)
        return {
            (kind, row["id"]): row
            for kind, pks in ids.items()
            for row in self._represented(kind, self._rows(kind, pk__in=pks))
        }

    def _rows(self, kind: str, **condition: object) -> QuerySet[Resource]:
        rows = VIEWSETS[kind].queryset.all().visible_to(self.request.user)
        return rows.filter(**condition).order_by("pk")

    def _represented(self, kind: str, rows: QuerySet[Resource]) -> Iterable[Row]:
        """Return rows as their endpoints show them."""
        representation = representation_of(VIEWSETS[kind].serializer_class)
        return representation.of(rows, self.request.caller)


def _item(
    seq: int | None,
    kind: str,
    pk: int,
    row: Row | None,
    changed_at: datetime,
    changed_by: int | None,
) -> Row:
    return {
        "seq": seq,
        "type": kind,
        "id": pk,
        "op": "delete" if row is None else "upsert",
        "data": row,
        "changed_at": changed_at,
        "changed_by": changed_by,
    }
