"""Which rows an export has, and why not the others.

Every resource is exported because its app declares it; the tables beside them are named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import models

from registry import declared
from values.text import DerivedField

OTHERS = ("auth.Group", "billing.Bill", "projects.FavoriteProject", "reports.SavedReport")
# They come last: in closed books nothing is written any more.
BOOKS = ("books.Books", "books.ZoneBound", "books.UserBound")
# What is left out, and which tables that are.
LEFT_OUT = {
    "API tokens and their history, of which only digests are stored": (
        *("apitokens.ApiToken", "apitokens.TokenUsage", "apitokens.TokenEvent"),
    ),
    "links to shared reports, of which only digests are stored": ("reports.SharedReport",),
    "the journal of changes; the change feed begins again": ("changes.Change", "changes.Feed"),
    "the admin's log of actions": ("admin.LogEntry",),
    "deliveries of webhooks": ("webhooks.Queue", "webhooks.Delivery", "webhooks.Ending"),
    "sessions, and responses kept for requests that are repeated": (
        *("sessions.Session", "idempotency.IdempotencyKey"),
    ),
    "what each installation makes by itself": (
        *("tallies.Tally", "tallies.Fold", "auth.Permission", "contenttypes.ContentType"),
    ),
}

Relation = models.ManyToManyField[models.Model, models.Model]


@dataclass(frozen=True)
class Kind:
    """A table, and those of its columns that an export has.

    Left out are columns that are derived from others, and those that their app leaves out. The
    rows that a many-to-many relation refers to are columns too.
    """

    model: type[models.Model]
    left_out: Mapping[str, object]

    @property
    def name(self) -> str:
        """The name of its files: `time_entries`."""
        return declared.plural_key_of(self.model)

    @property
    def table(self) -> str:
        """The name of its table."""
        return self.model._meta.db_table

    @property
    def rows(self) -> models.QuerySet[models.Model]:
        """All rows, whatever a manager of the model would hide."""
        return models.QuerySet(self.model)

    @cached_property
    def fields(self) -> list[models.Field[object, object]]:
        """The fields of the columns that are exported as they are stored."""
        return [
            field
            for field in self.model._meta.concrete_fields
            if field.name not in self.left_out and not isinstance(field, DerivedField)
        ]

    @cached_property
    def relations(self) -> list[Relation]:
        """The many-to-many relations that begin here."""
        return [*self.model._meta.local_many_to_many]

    @cached_property
    def columns(self) -> list[str]:
        """The names of all columns, in their order."""
        return [
            *(field.attname for field in self.fields),
            *(relation.name for relation in self.relations),
        ]


@cache
def kinds() -> list[Kind]:
    """Return all kinds of rows, each after those that it refers to."""
    left_out = {
        declared.model_of(config): config.left_out
        for config in declared.api_apps()
        if config.viewset
    }
    found = declared.references_first([*map(apps.get_model, OTHERS), *left_out])
    return [
        Kind(model, left_out.get(model, {})) for model in [*found, *map(apps.get_model, BOOKS)]
    ]


def unnamed() -> list[type[models.Model]]:
    """Return the tables of which nothing says whether an export has their rows."""
    named = {kind.model for kind in kinds()}
    named |= {apps.get_model(label) for labels in LEFT_OUT.values() for label in labels}
    return [model for model in apps.get_models() if model._meta.managed and model not in named]


def is_of_permissions(relation: Relation) -> bool:
    """Return whether a relation leads to permissions, whose ids differ between installations."""
    return relation.related_model is Permission
