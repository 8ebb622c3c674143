"""People who track time."""

from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from resources.models import ResourceQuerySet
from values.text import DerivingMixin, FoldedField, NameField, SortField
from values.wall_clock import zone_names

Role = Literal["admin", "user"]


def full_name(first_name: str, last_name: str) -> str:
    """Return first and last name."""
    return f"{first_name} {last_name}".strip()


def role_of(active: bool, superuser: bool) -> Role:  # noqa: FBT001 - columns, in their order
    """Return `admin` for administrators, otherwise `user`."""
    return "admin" if active and superuser else "user"


def zone_name(time_zone: str) -> str:
    """Return the IANA name of the user's time zone; the server's by default.

    And where the zone is not known any more: its database changes with the machine's.
    """
    return time_zone if time_zone in zone_names() else settings.TIME_ZONE


class UserQuerySet(ResourceQuerySet["User"]):
    """Users, as lists and references need them."""


class UserManager(DjangoUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Django's, which makes users and superusers, with the questions of a resource."""


class User(DerivingMixin, AbstractUser):
    """A person; an administrator is an active superuser and sees everyone's entries."""

    username = NameField(
        _("username"),
        max_length=150,
        unique=True,
        help_text=_("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."),
        validators=[AbstractUser.username_validator],
        error_messages={"unique": _("A user with that username already exists.")},
    )
    first_name = NameField(_("first name"), max_length=150, blank=True)
    last_name = NameField(_("last name"), max_length=150, blank=True)
    folded_names = FoldedField(of=("username", "first_name", "last_name", "email"))
    sort_username = SortField(of="username")
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="An IANA time zone name such as Europe/Berlin; leave blank to use the server's.",
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        ordering = ("sort_username", "id")
        indexes = (models.Index(fields=["sort_username", "id"], name="user_by_username"),)

    def __str__(self) -> str:
        name = self.get_full_name()
        return f"{name} ({self.username})" if name else self.username

    def clean(self) -> None:
        """Refuse a time zone that does not exist."""
        super().clean()
        if self.time_zone and self.time_zone not in zone_names():
            raise ValidationError(
                {"time_zone": "Must be an IANA time zone name such as Europe/Berlin."}
            )

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this user's days and wall-clock times are meant."""
        return ZoneInfo(zone_name(self.time_zone))

    @property
    def role(self) -> str:
        """Return `admin` for administrators, otherwise `user`."""
        return role_of(self.is_active, self.is_superuser)
