"""Base classes of the admin's model pages."""

from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from database.columns import column_of
from journal.journaled import Journaled, type_of
from resources.integrity import constraints_as_errors
from resources.models import Resource
from resources.refusals import Refusal
from staff.shown import ShownForm, ShownMixin
from staff.times import SplitInstantField
from values.text import LONGEST_SEARCH

M = TypeVar("M", bound=models.Model)
GIVEN_ID = "given_id"


class AdminTextField(forms.CharField):
    """A text as it was typed, blanks included; browsers send other line ends than people type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "strip": False})

    def to_python(self, value: object) -> str:
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


class ModelAdmin(ShownMixin[M]):
    """Django's, safe for concurrent editing."""

    form: type[forms.ModelForm[M]] = ModelForm
    first_fields: tuple[str, ...] = ()
    list_per_page = 25  # on a telephone each row is a card
    formfield_overrides = {
        models.TextField: {
            "form_class": AdminTextField,
            "widget": AdminTextareaWidget({"rows": 3}),
        },
        models.DateTimeField: {"form_class": SplitInstantField},
    }

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return initial values from the query string, ignoring invalid ones."""
        initial: dict[str, object] = {}
        for name, value in super().get_changeform_initial_data(request).items():
            with suppress(FieldDoesNotExist, ValidationError, ValueError, OverflowError):
                initial[name] = column_of(self.model, name).to_python(value)
        return initial

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Return the fields in model order, with `first_fields` first and the external id last."""
        names = super().get_fields(request, obj)
        places = {name: place for place, name in enumerate(self.first_fields)}
        if hasattr(self.model, "external_id"):  # an id is its giver's: nobody gives one here
            others = (name for name in names if name not in ("external_id", GIVEN_ID))
            names = [*others, *([GIVEN_ID] if obj else [])]
        return sorted(names, key=lambda name: places.get(str(name), len(places)))

    def get_readonly_fields(
        self, request: HttpRequest, obj: M | None = None
    ) -> list[str] | tuple[str, ...]:
        """Return the automatic fields, except on the add page."""
        if obj is None:
            return ()
        names = [*super().get_readonly_fields(request, obj)]
        return [*names, GIVEN_ID] if hasattr(self.model, "external_id") else names

    @admin.display(description="External id")
    def given_id(self, row: Resource) -> str:
        """Return the external id and its user."""
        return f"{row.external_id} (assigned by {row.external_user})" if row.external_id else "-"

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        """Return the class of the list."""
        return ModelChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[M], search_term: str
    ) -> tuple[models.QuerySet[M], bool]:
        """Find nothing for overlong texts, including in autocomplete."""
        if len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """After losing a race, validate the form again, so that it reports the conflict."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Show the page again, with the reason, if the database refuses the deletion."""
        if request.method != "POST":
            return super().delete_view(request, object_id, extra_context)
        try:
            with constraints_as_errors(self.model):
                return super().delete_view(request, object_id, extra_context)
        except Refusal as refusal:
            return self._refused(request, refusal)

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[M], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run the action; if the database refuses a row, nothing is done and the reason shown."""
        try:
            with constraints_as_errors(self.model):
                return super().response_action(request, queryset, *args, **kwargs)
        except Refusal as refusal:
            return self._refused(request, refusal)

    def _refused(self, request: HttpRequest, refusal: Refusal) -> HttpResponse:
        self.message_user(request, refusal.sentence, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show the admin's history, with a link to the journal for those who may read it."""
        context = dict(extra_context or {})
        if issubclass(self.model, Journaled) and request.user.has_perm("changes.view_change"):
            changes = reverse("admin:changes_change_changelist")
            query = urlencode({"type": type_of(self.model), "object_id": object_id})
            context["journal"] = f"{changes}?{query}"
        return super().history_view(request, object_id, context)
