"""Row locks."""

from collections.abc import Collection
from typing import TYPE_CHECKING, TypeVar, cast

from django.db import connections, models, transaction

from resources.models import Resource, ResourceQuerySet

if TYPE_CHECKING:
    from users.models import User

M = TypeVar("M", bound=models.Model)


def lock(model: type[models.Model], **found: object) -> object:
    """Lock a row until the transaction ends; return its key, or None if it does not exist.

    On SQLite the transaction itself is the lock. PostgreSQL re-evaluates the condition after
    waiting. This is a separate statement because a joined query could read related rows from
    before the wait.
    """
    rows = model._default_manager.filter(**found).order_by().select_for_update(no_key=True)
    return rows.values_list("pk", flat=True).first()


def lock_shared(rows: models.QuerySet[M], ids: Collection[int]) -> dict[int, M]:
    """Return rows by id, under a shared lock until the transaction ends.

    Django has no FOR SHARE. On SQLite the transaction itself is the lock.
    Ordered by id, so that requests that lock several rows cannot deadlock.
    """
    sql, params = rows.filter(pk__in=ids).order_by("pk").query.get_compiler(rows.db).as_sql()
    if connections[rows.db].vendor == "postgresql":
        sql += " FOR SHARE"
    found = rows.model._default_manager.raw(sql, params)
    return {row.pk: row for row in found}


def free_unseen_ids(
    model: type[Resource], user: "User", ids: Collection[str]
) -> tuple[Collection[str], Collection[str]]:
    """Take external ids off rows that their giver no longer sees; return those freed, those held.

    An entry may be another user's by now: its giver could neither use nor assign the id again.
    Nobody else is shown it, so no version counts it. A row that is being written keeps its id: the
    request has rows of its own locked, and two that wait for each other's would end in a deadlock.
    """
    if model.owner_attribute is None or not ids:
        return (), ()
    assigned = model._default_manager.filter(external_user=user, external_id__in=ids)
    every = cast("ResourceQuerySet[Resource]", model._default_manager.all())
    unseen = assigned.exclude(pk__in=every.visible_to(user).values("pk"))
    found = dict(unseen.values_list("pk", "external_id"))
    if not found:
        return (), ()
    with transaction.atomic():
        rows = unseen.select_for_update(skip_locked=True, no_key=True)
        free = {*rows.filter(pk__in=found).order_by("pk").values_list("pk", flat=True)}
        model._default_manager.filter(pk__in=free).update(external_id=None, external_user=None)
    return [found[pk] for pk in free], [found[pk] for pk in found.keys() - free]
