"""People and their groups in the Django admin."""

from copy import copy
from functools import partial

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from staff.passwords import OthersPasswordChangeForm
from staff.queries import KEY
from staff.shown import ShownForm, ShownMixin
from users.models import User
from values.folding import folded

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister(Group)


class UserForm(ShownForm[User], UserChangeForm[User]):
    """Django's form, writing only the changed fields."""

    must_say = True


@admin.register(User)
class UserAdmin(ShownMixin[User], DjangoUserAdmin[User]):
    """Django's own page for users, with the time zone; only administrators give rights."""

    form = UserForm
    change_password_form = OthersPasswordChangeForm
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
    search_fields = ("folded_names__holds",)
    ordering = ("sort_username", "pk")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), ("Time", {"fields": ("time_zone",)}))
    add_fieldsets = (
        *DjangoUserAdmin.add_fieldsets,
        (None, {"classes": ("wide",), "fields": ("email", "time_zone")}),
    )

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's
        form_url: str = "",
    ) -> HttpResponse:
        """Let the form check rights again after hashing the password."""
        judging = copy(self)
        judging.change_password_form = partial(  # type: ignore[assignment]
            OthersPasswordChangeForm, request=request, may_change=self.has_change_permission
        )
        return super(UserAdmin, judging).user_change_password(request, id, form_url)

    def people_of(self, object_id: str | None) -> list[int]:
        """Return whose page it is, unless its address names nobody."""
        return [int(object_id)] if object_id and KEY.fullmatch(object_id) else []

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Keep staff away from accounts with rights, which a new password would give them."""
        if obj is not None and not request.user.is_superuser and has_rights(obj):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody: users are deactivated, and their time entries remain."""
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        """Show staff the rights of others, which only administrators give."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *RIGHTS)


def has_rights(user: User) -> bool:
    """Return whether an account may do anything, or would once it is staff or active again."""
    in_time = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return (
        user.is_superuser
        or user.is_staff
        or user.groups.exists()
        or user.user_permissions.exists()
        # An app login has no right that the password would not give again.
        or user.api_tokens.filter(in_time, revoked_at=None, from_login=False).exists()
    )


class GroupForm(ShownForm[Group]):
    """A group form that writes only the changed fields."""

    must_say = True


@admin.register(Group)
class GroupAdmin(ShownMixin[Group], DjangoGroupAdmin):
    """Django's own page for groups, which only administrators change: a group gives rights."""

    form = GroupForm

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Group], search_term: str
    ) -> tuple[QuerySet[Group], bool]:
        """Find as everywhere else; Django's groups have no folded name, and there are few."""
        words = folded(search_term).split()
        names = queryset.values_list("pk", "name") if words else ()
        found = [pk for pk, name in names if all(word in folded(name) for word in words)]
        return (queryset.filter(pk__in=found) if words else queryset), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)
