"""Projects, optionally for a client."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from clients.models import Client
from journal.journaled import record
from journal.models import Change
from rates.rated import Rated
from resources.models import ResourceQuerySet, external_id_once, updated_at_after
from values.money import RoundingField, rounding_known
from values.text import FoldedField, NameField, ProseField, SortField

if TYPE_CHECKING:
    from users.models import User


class ProjectQuerySet(ResourceQuerySet["Project"]):
    """Projects; all users share them."""

    def with_details(self) -> Self:
        """Also fetch related rows that the API shows."""
        return self.select_related("client")


class Project(Rated):
    """A piece of work, for a client or for oneself."""

    class Status(models.TextChoices):
        """Where a project stands; an archived one takes no new work."""

        ACTIVE = "active"
        ARCHIVED = "archived"
        ON_HOLD = "on_hold"

    name = NameField(max_length=200)
    folded_name = FoldedField(of="name")
    sort_name = SortField(of="name")
    description = ProseField(max_length=10_000, blank=True)
    folded_description = FoldedField(of="description")
    client = models.ForeignKey(
        Client, models.PROTECT, related_name="projects", null=True, blank=True
    )
    hourly_rate = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    estimated_hours = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    billable = models.BooleanField(default=True)
    rounding = RoundingField(
        help_text="How the time of each entry is rounded before it is billed; else the client's.",
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)

    objects = ProjectQuerySet.as_manager()
    project_attribute = "id"
    rate_attribute = "hourly_rate"
    rate_place = "project"

    class Meta:
        ordering = ("sort_name", "id")
        indexes = (models.Index(fields=["sort_name", "id"], name="project_by_name"),)
        constraints = (
            external_id_once("project_external_id_once_per_user"),
            models.UniqueConstraint(
                "client",
                "name",
                condition=~Q(status="archived"),
                name="project_name_unique_per_client",
                violation_error_message="This client already has a project with this name.",
            ),
            models.CheckConstraint(
                condition=Q(hourly_rate__gte=0),
                name="project_hourly_rate_not_negative",
                violation_error_message="The hourly rate cannot be negative.",
            ),
            models.CheckConstraint(
                condition=Q(estimated_hours__gte=0),
                name="project_estimated_hours_not_negative",
                violation_error_message="The estimated hours cannot be negative.",
            ),
            rounding_known("rounding", "project_rounding_known"),
        )

    def __str__(self) -> str:
        return self.name

    def action(self) -> Change.Action:
        """Return the kind of change that a save makes; archiving is its own kind."""
        archived = self.Status.ARCHIVED
        if self.stored.get("status") not in (None, archived) and self.status == archived:
            return Change.Action.ARCHIVED
        return super().action()

    @transaction.atomic(savepoint=False)
    def archive(self) -> None:
        """Archive the project; one that is archived already stays as it is."""
        open_project = Project.objects.filter(pk=self.pk).exclude(status=self.Status.ARCHIVED)
        if open_project.update(
            status=self.Status.ARCHIVED,
            updated_at=updated_at_after(timezone.now()),
            version=F("version") + 1,
        ):
            record([self.change(Change.Action.ARCHIVED, ["status"])])


class FavoriteProjectQuerySet(ResourceQuerySet["FavoriteProject"]):
    """Favorites; everyone has their own."""

    def visible_to(self, user: "User") -> Self:
        """Keep the user's own; an administrator sees no others either."""
        return self.filter(user=user.pk)


class FavoriteProject(models.Model):
    """A user's mark on a project; nobody else sees it, and an archived project keeps it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FavoriteProjectQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                "user",
                "project",
                name="favorite_project_once_per_user",
                violation_error_message="This project is already a favorite.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.project}, a favorite of {self.user}"
