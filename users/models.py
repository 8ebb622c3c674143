"""People who track time."""

import zoneinfo
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.db import models

from timetracker.api.models import ResourceQuerySet


class UserQuerySet(ResourceQuerySet["User"]):
    """Users, as lists and references need them."""


class UserManager(DjangoUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Django's, which makes users and superusers, with the questions of a resource."""


class User(AbstractUser):
    """A person; an administrator is an active superuser and sees everyone's entries."""

    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="An IANA name such as Europe/Berlin; empty means the server's.",
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        ordering = ("username", "id")

    def clean(self) -> None:
        """Refuse a time zone that does not exist."""
        super().clean()
        if self.time_zone and self.time_zone not in zoneinfo.available_timezones():
            raise ValidationError({"time_zone": "Give an IANA name such as Europe/Berlin."})

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this user's days and wall-clock times are meant."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)

    @property
    def role(self) -> str:
        """Return `admin` for an administrator, else `user`."""
        return "admin" if self.is_active and self.is_superuser else "user"
