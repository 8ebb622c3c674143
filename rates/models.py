"""Hourly rates, each valid from a day on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from database.columns import model_behind
from resources.models import Resource, ResourceQuerySet, external_id_once, within_years
from values.money import service_currency
from values.options import SaveOptions
from values.wall_clock import EARLIEST, LATEST

if TYPE_CHECKING:
    from users.models import User

ALWAYS = EARLIEST.date()  # valid from: before any entry can be
DAY = timedelta(days=1)
EXISTS = "A rate for this place already starts on this day. Change that one."
PLACES = (
    ("user", "project"),
    ("project",),
    ("user", "client"),
    ("client",),
    ("user",),
)  # the most specific first


class RateQuerySet(ResourceQuerySet["Rate"]):
    """Rates; those of a user are that user's, all others are shared."""

    def visible_to(self, user: "User") -> Self:
        """Keep the shared ones and the user's own; administrators see all."""
        return self if user.is_superuser else self.filter(Q(user=None) | Q(user=user))

    def with_details(self) -> Self:
        """Also fetch related rows that the API shows."""
        return self.select_related("client", "project__client")


def _once(*place: str) -> models.UniqueConstraint:
    """Return the constraint that a place has one rate from a day on."""
    others = {f"{name}__isnull": name not in place for name in ("user", "client", "project")}
    return models.UniqueConstraint(
        fields=[*place, "valid_from"],
        condition=Q(**others),
        name=f"rate_once_per_{'_and_'.join(place)}",
        violation_error_code="rate_exists",
        violation_error_message=EXISTS,
    )


class Rate(Resource):
    """What an hour costs from a day on: of a user, a client, a project, or a user in one of these.

    Without an `hourly_rate`, the place has none from that day on.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    client = models.ForeignKey(
        "clients.Client", models.CASCADE, related_name="+", null=True, blank=True, db_index=False
    )
    project = models.ForeignKey(
        "projects.Project",
        models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    hourly_rate = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    valid_from = models.DateField(
        default=ALWAYS,
        help_text="The first day; 1970-01-01 is always. Days are those of the entry's owner.",
    )
    valid_until = models.DateField(null=True, editable=False)

    objects = RateQuerySet.as_manager()
    owner_attribute = "user_id"
    project_attribute = "project_id"

    class Meta:
        ordering = ("-valid_from", "id")
        indexes = (
            # The constraints' indexes begin with the user where there is one.
            models.Index(fields=["project"], name="rate_of_project"),
            models.Index(fields=["client"], name="rate_of_client"),
        )
        constraints = (
            external_id_once("rate_external_id_once_per_user"),
            *(_once(*place) for place in PLACES),
            models.CheckConstraint(
                condition=Q(client=None) | Q(project=None),
                name="rate_of_client_or_project",
                violation_error_message="Set a client or a project, not both.",
            ),
            models.CheckConstraint(
                condition=~Q(user=None, client=None, project=None),
                name="rate_has_a_place",
                violation_error_message="Set a user, a client or a project.",
            ),
            models.CheckConstraint(
                condition=Q(hourly_rate__gte=0),
                name="rate_hourly_rate_not_negative",
                violation_error_message="The hourly rate cannot be negative.",
            ),
            within_years(
                "valid_from", "rate_valid_from_within_years", first=ALWAYS, end=LATEST.date()
            ),
        )

    def __str__(self) -> str:
        return f"{'No rate' if self.hourly_rate is None else self.hourly_rate} for {self.what_for}"

    @property
    def currency(self) -> str | None:
        """The currency; None for a user's rate."""
        client, its = self.client, self.project.client if self.project else None
        return currency_of(
            client.currency if client else None,
            its.currency if its else None,
            self.client_id,
            self.project_id,
        )

    @property
    def what_for(self) -> str:
        """The names of what the rate is for: `Olga (olga) in Site`."""
        return " in ".join(str(each) for each in (self.user, self.project or self.client) if each)

    @property
    def place(self) -> "Place":
        """What the rate is for."""
        return Place(self.user_id, self.client_id, self.project_id)

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert new rates, and end those before them."""
        with settled({row.place for row in rows}):
            super().insert(rows)

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save, and end each rate on the day before the next one begins."""
        places = {self.place, Place.of(self.stored)} if self.stored else {self.place}
        with settled(places):
            super().save(update_fields=update_fields, **kwargs)

    def delete(
        self,
        using: str | None = None,
        keep_parents: bool = False,  # noqa: FBT001, FBT002 - Django's
    ) -> tuple[int, dict[str, int]]:
        """Delete, and let the rate before go on."""
        with settled({self.place}):
            return super().delete(using, keep_parents)

    def end(self, last: date | None) -> None:
        """Note the last day on which this is valid; None if no other rate follows."""
        if self.valid_until != last:
            self.valid_until = last
            super().save(update_fields=["valid_until", "updated_at"])


def currency_of(
    client: str | None, project: str | None, client_id: int | None, project_id: int | None
) -> str | None:
    """Return the currency; null for a rate that takes that of whichever client it is used for."""
    if client_id is None and project_id is None:
        return None
    return client or project or service_currency()


class Place(NamedTuple):
    """What a rate is for, by ids; which of them are given makes it more or less specific."""

    user_id: int | None
    client_id: int | None
    project_id: int | None

    @classmethod
    def of(cls, columns: Mapping[str, int | None]) -> Self:
        """Return the place in the columns of a rate."""
        return cls(*(columns[name] for name in cls._fields))

    def in_order(self) -> tuple[int, int, int]:
        """Return the key by which places are locked, so that no two writes deadlock."""
        return self.project_id or 0, self.client_id or 0, self.user_id or 0

    def lock(self) -> models.Model | None:
        """Lock the project, the client or else the user, and return the row."""
        for name in ("project", "client", "user"):
            if pk := getattr(self, f"{name}_id"):
                rows = model_behind(Rate, name)._default_manager
                return rows.select_for_update(no_key=True).filter(pk=pk).first()
        return None


def lock_places(rates: models.QuerySet[Rate]) -> None:
    """Lock what rates are for, before the rates: every write locks them in this order."""
    places = {Place(*ids) for ids in rates.order_by().values_list(*Place._fields)}
    for place in sorted(places, key=Place.in_order):
        place.lock()


@contextmanager
def settled(places: Iterable[Place]) -> Iterator[None]:
    """Write rates of some places, and make what depends on them true again.

    That is the last day of each rate, and the plain face of what is valid today: a project's
    `hourly_rate` and a client's `default_hourly_rate`. The places are locked before their rates
    are written: of two writes, the second sees what the first has written.
    """
    with transaction.atomic(savepoint=False):
        locked = {place: place.lock() for place in sorted(places, key=Place.in_order)}
        yield
        for place, holder in locked.items():
            rates = [*Rate.objects.filter(**place._asdict()).order_by("valid_from")]
            for rate, following in zip_longest(rates, rates[1:]):
                rate.end(following and following.valid_from - DAY)
            if holder and place.user_id is None:
                show(holder, rates)


def show(holder: Any, rates: Iterable[Rate]) -> None:
    """Let a project or a client show what is valid today."""
    attribute, today = holder.rate_attribute, current(rates)
    if getattr(holder, attribute) != today:
        setattr(holder, attribute, today)
        holder.save(update_fields=[attribute, "updated_at"])


def current(rates: Iterable[Rate]) -> Decimal | None:
    """Return what is valid today (UTC), of the rates of one place by their days."""
    today = timezone.now().date()
    begun = [rate.hourly_rate for rate in rates if rate.valid_from <= today]
    return begun[-1] if begun else None
