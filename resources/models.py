"""Base models of resources."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from database.writes import Value, update_one
from journal.journaled import Journaled, record
from resources.refusals import Refusal
from values.options import Deconstructed
from values.text import DerivingMixin
from values.wall_clock import EARLIEST, LATEST

if TYPE_CHECKING:
    from users.models import User

M = TypeVar("M", bound=models.Model)


class ResourceQuerySet(models.QuerySet[M]):
    """The two questions of every resource: which rows, and how fetched."""

    def visible_to(self, user: "User") -> Self:
        """Keep the rows that a user may see; shared resources show all."""
        return self

    def with_details(self) -> Self:
        """Also fetch related rows that the API shows."""
        return self

    def exact_count(self) -> int:
        """Return the number of rows, counted unless the model knows it otherwise; never stale."""
        return self.count()

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows, and say so in the journal if their kind has one."""
        if not issubclass(self.model, Journaled):
            return super().delete()
        with transaction.atomic(savepoint=False):
            rows: list[Any] = list(self.select_related(None).order_by("pk").select_for_update())
            self.model.before_deletion(rows)
            deleted = models.QuerySet(self.model).filter(pk__in=[row.pk for row in rows]).delete()
            record([row.deletion(row.owner) for row in rows])
        return deleted


class LatestField(models.DateTimeField[datetime, datetime]):
    """The instant of the last save (UTC), always after that of the save before.

    Otherwise a clock that is set back would hide rows from `updated_since`, and two states of a
    row could share the instant that `if_updated_at` tells them apart by.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> datetime:  # noqa: FBT001 - Django's
        before: datetime | None = getattr(model_instance, self.attname)
        now: datetime = super().pre_save(model_instance, add)
        if before is not None and before >= now:
            now = before + timedelta.resolution
            setattr(model_instance, self.attname, now)
        return now

    def deconstruct(self) -> Deconstructed:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs


def updated_at_after(now: datetime) -> Greatest:
    """Return what `QuerySet.update` writes to `updated_at`, as LatestField does."""
    return Greatest(F("updated_at") + timedelta.resolution, now)


class Resource(DerivingMixin, Journaled):
    """When a resource was made and last changed (UTC), and how often it was written.

    `version` begins at 1. Each save counts it up in the very UPDATE that writes the row, so that
    no two states of a row share a number, whoever else writes; a `QuerySet.update` has to say
    `version=F("version") + 1` itself.
    """

    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = LatestField(auto_now=True, editable=False, db_index=True)
    version = models.IntegerField(default=1, db_default=1, editable=False)
    external_id = models.CharField(  # noqa: DJ001 - only null is not compared by the constraint
        max_length=255,
        null=True,
        blank=True,
        help_text="The id of this row in another system.",
    )
    external_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        editable=False,
        db_index=False,
    )

    counted_up = frozenset({"updated_at", "version"})

    class Meta:
        abstract = True

    def refusal(self) -> Refusal | None:
        """Return why a new row is refused that the database would accept."""
        return None

    def _do_update(  # type: ignore[override] # the stubs are Django 6's
        self,
        base_qs: models.QuerySet[Self],
        using: str,
        pk_val: object,
        values: Collection[tuple[models.Field[object, object], type[models.Model] | None, Value]],
        update_fields: Iterable[str] | None,
        forced_update: bool,  # noqa: FBT001 - Django's
    ) -> bool:
        """Write the columns and increment the version in one UPDATE … RETURNING.

        Django before 6.0 cannot return it; to read it back is a query more (database/README.md).

        Whose the row is comes back too: it may be another user's by now, as the journal must know.
        """
        version = self._meta.get_field("version")
        returned = ["version", *filter(None, [self.owner_attribute])]
        written = update_one(
            type(self),
            using,
            self.pk,
            [(field, value) for field, _, value in values if field is not version],
            counted="version",
            returned=returned,
        )
        for name, value in zip(returned, written or (), strict=False):
            setattr(self, name, value)
        return written is not None


def external_id_once(name: str) -> models.UniqueConstraint:
    """Return the constraint that a user gives each `external_id` to one row only."""
    return models.UniqueConstraint(
        fields=("external_user", "external_id"),
        name=name,
        violation_error_code="external_id_taken",
        violation_error_message="You have already assigned this external_id to another row.",
    )


def within_years(
    field: str, name: str, *, first: date = EARLIEST, end: date = LATEST
) -> models.CheckConstraint:
    """Return the constraint that an instant (UTC), or a date, lies in the years that we know.

    Values outside could be stored in other ways but not be read back.
    """
    what = "time" if isinstance(first, datetime) else "date"
    return models.CheckConstraint(
        condition=Q(**{f"{field}__gte": first, f"{field}__lt": end}),
        name=name,
        violation_error_message=f"Must be a {what} in the years 1970 to 2200.",
    )
