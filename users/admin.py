"""People in the Django admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from users.models import User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """Django's own page for users, with the time zone; only administrators give rights."""

    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "time_zone",
        "is_superuser",
        "is_active",
    )
    list_per_page = 25
    fieldsets = (*DjangoUserAdmin.fieldsets, ("Time", {"fields": ("time_zone",)}))  # type: ignore[misc]
    add_fieldsets = (
        *DjangoUserAdmin.add_fieldsets,
        (None, {"classes": ("wide",), "fields": ("email", "time_zone")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Keep staff away from administrators: a new password would make them one."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody: people are deactivated, and what they booked stays theirs."""
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        """Show staff the rights of others, which only administrators give."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *RIGHTS)
