"""The admin site, and what the models' pages share."""

from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from changes.journal import Journaled, type_of
from timetracker.admin_login import LoginForm, PasswordChangeForm, remember_browser
from timetracker.admin_queries import refuse_unanswerable
from timetracker.admin_shown import ShownForm, ShownMixin
from timetracker.admin_times import InstantField
from timetracker.text import LONGEST_SEARCH

M = TypeVar("M", bound=models.Model)
GIVEN_ID = "given_id"


class AdminSite(admin.AdminSite):
    """Django's admin under our name."""

    site_title = "TimeTracker"
    site_header = "TimeTracker"
    index_title = "Administration"
    site_url = None  # there is no other site: base_site.html links to the API's documentation
    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Judge the query too: every page of the admin asks this first."""
        refuse_unanswerable(request)
        return super().has_permission(request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Log somebody in, and know the browser again."""
        response = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated:
            remember_browser(response, request.user.get_username())
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Change one's own password, with a limit to guesses of the old one.

        Django's form would write the whole account.
        """
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=partial(PasswordChangeForm, request=request),
            success_url=reverse("admin:password_change_done", current_app=self.name),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return cast("TemplateResponse", view(request))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the models in a few sections; Django has one for each app, most with one model.

        An app that declares no section, as Django's own, is beside users and tokens.
        """
        if app_label:
            return super().get_app_list(request, app_label)
        listed = {app["app_label"]: app for app in super().get_app_list(request)}
        sections: dict[str, list[Any]] = {"Work": [], "Access": []}
        for config in apps.get_app_configs():
            if config.label in listed:
                title = getattr(config, "section", "Access")
                sections.setdefault(title, []).append(listed[config.label])
        return [_section(title, found) for title, found in sections.items() if found]


def _section(title: str, found: list[Any]) -> dict[str, Any]:
    label = title.lower()
    return {
        "name": title,
        "app_label": label,
        # With a fragment it is part of no path, or Django would highlight every section.
        "app_url": f"{reverse('admin:index')}#{label}",
        "has_module_perms": True,
        "models": [model for app in found for model in app["models"]],
    }


class TextField(forms.CharField):
    """A text as it was typed, blanks included; browsers send other line ends than people type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "strip": False})

    def to_python(self, value: Any) -> str:
        """Return the text with the line ends that are stored, before its length is judged."""
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n")


class ModelForm(ShownForm[M]):
    """Django's, which judges the constraints over columns that the service fills in too."""

    def _get_validation_exclusions(self) -> set[str]:
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        fields = self._meta.model._meta.fields
        return exclusions - {field.name for field in fields if not field.editable}


class SearchForm(ChangeListSearchForm):
    """Django's, with the bound of the API's search."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SEARCH_VAR] = forms.CharField(
            required=False, strip=False, max_length=LONGEST_SEARCH
        )


class ModelChangeList(ChangeList):
    """Django's list, with our form of the search."""

    search_form_class = SearchForm


class ModelAdmin(ShownMixin, admin.ModelAdmin[M]):
    """Django's, safe for two who write at the same time."""

    form: type[forms.ModelForm[Any]] = ModelForm
    first_fields: tuple[str, ...] = ()
    list_per_page = 25  # on a telephone each row is a card
    formfield_overrides = {
        models.TextField: {"form_class": TextField, "widget": AdminTextareaWidget({"rows": 3})},
        models.DateTimeField: {"form_class": InstantField},
    }

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what an address fills a new form with, but for what fits no field."""
        initial: dict[str, Any] = {}
        for name, value in super().get_changeform_initial_data(request).items():
            with suppress(FieldDoesNotExist, ValidationError, ValueError, OverflowError):
                initial[name] = self.opts.get_field(name).to_python(value)  # type: ignore[union-attr]
        return initial

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Return the fields in the order of the model, what matters first, other systems' last."""
        names = super().get_fields(request, obj)
        places = {name: place for place, name in enumerate(self.first_fields)}
        if hasattr(self.model, "external_id"):  # an id is its giver's: nobody gives one here
            others = (name for name in names if name not in ("external_id", GIVEN_ID))
            names = [*others, *([GIVEN_ID] if obj else [])]
        return sorted(names, key=lambda name: places.get(str(name), len(places)))

    def get_readonly_fields(
        self, request: HttpRequest, obj: M | None = None
    ) -> list[str] | tuple[str, ...]:
        """Return what the service fills in, once there is something to show."""
        if obj is None:
            return ()
        names = [*super().get_readonly_fields(request, obj)]
        return [*names, GIVEN_ID] if hasattr(self.model, "external_id") else names

    @admin.display(description="External id")
    def given_id(self, row: Any) -> str | None:
        """Return the id that a user's other system has for a row, and the user."""
        return row.external_id and f"{row.external_id} (given by {row.external_user})"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return ModelChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Find nothing for a longer text, also where a form asks while it is typed."""
        if len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Judge a form again that lost a race: now it sees the row that won, and says so."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            return super().changeform_view(request, object_id, form_url, extra_context)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what was done in the admin, and to whom may read it the way to all changes."""
        context = dict(extra_context or {})
        if issubclass(self.model, Journaled) and request.user.has_perm("changes.view_change"):
            changes = reverse("admin:changes_change_changelist")
            query = urlencode({"type": type_of(self.model), "object_id": object_id})
            context["journal"] = f"{changes}?{query}"
        return super().history_view(request, object_id, context)
