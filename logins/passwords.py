"""What a new password ends."""

from typing import TYPE_CHECKING

from django.utils import timezone

if TYPE_CHECKING:  # the settings name this module, and checks load it before all models
    from django.contrib.auth.base_user import AbstractBaseUser


class LogsAppsOut:
    """A validator that accepts every password, because Django notifies validators of changes.

    Someone who changes a password because another person knows it would otherwise leave that
    person's app logged in. A new hash of the same password is not a change.
    """

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Accept the password."""

    def get_help_text(self) -> str:
        """Return what a password form says."""
        return "A new password logs the account out of all apps."

    def password_changed(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Revoke the user's app logins."""
        from logins.tokens import end_all

        if user is not None:
            end_all(user, now=timezone.now(), why="The password was changed.")
