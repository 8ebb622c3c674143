"""People in the Django admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from users.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Django's own page for users, with the time zone."""

    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "time_zone",
        "is_superuser",
        "is_active",
    )
    fieldsets = (*DjangoUserAdmin.fieldsets, ("Time", {"fields": ("time_zone",)}))  # type: ignore[misc]
