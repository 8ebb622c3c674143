"""Admin forms that write only the fields changed since the page was shown.

Django compares the submitted form with the current row, so it would undo changes by others since
the page was opened. Here the page carries the values that it showed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse

from database.columns import column_of
from staff.queries import refuse_bad_choices
from staff.rights import hold_rights

M = TypeVar("M", bound=models.Model)

NAME = "_shown"
SALT = "resources.admin"
REPLACED = "This was changed to “{}” after you opened the page. Save again to overwrite it."


class Encoder:
    """JSON encoding of field values, for django.core.signing."""

    def dumps(self, value: object) -> bytes:
        return DjangoJSONEncoder(separators=(",", ":")).encode(value).encode("latin-1")

    def loads(self, data: bytes) -> object:
        return signing.JSONSerializer().loads(data)


class ShownForm(forms.ModelForm[M]):
    """A model form that writes only the fields that its user changed.

    A field that somebody else has changed too is refused with its current value. The new page
    shows that value, so saving again overwrites it knowingly.
    """

    # Whether to refuse forms without the shown values, where permissions are at stake.
    must_say = False
    says_nothing = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = self._stored() if self.instance.pk else {}
        self.seen = {**self.now, **self._shown()}
        if self.is_bound:
            seen = {name: self._python(name, value) for name, value in self.seen.items()}
            self.initial = {**self.initial, **seen}

    @property
    def shown(self) -> str:
        """The signed values for the page to carry; a refused form keeps the previous ones."""
        about = [self._about(), self.seen]
        return signing.dumps(about, salt=SALT, serializer=Encoder, compress=True)

    def clean(self) -> dict[str, object]:
        """Drop untouched fields; refuse fields that somebody else has changed too."""
        cleaned = super().clean() or self.cleaned_data
        if self.says_nothing and self.must_say:
            raise ValidationError("This form is incomplete. Reload the page and try again.")
        if not self.now:
            return cleaned
        for name in self.now:
            if name not in self.changed_data:
                cleaned.pop(name, None)
                self.errors.pop(name, None)
            elif self._python(name, self.now[name]) != self.initial[name]:
                self._refuse_unless_equal(name)
        return cleaned

    def _refuse_unless_equal(self, name: str) -> None:
        now = self._python(name, self.now[name])
        if name in self.errors or not self.fields[name].has_changed(now, self[name].data):
            return
        self.seen[name] = self.now[name]
        self.add_error(name, ValidationError(REPLACED.format(self._words(name)), "replaced"))

    def _words(self, name: str) -> str:
        """Return a field's current value as text."""
        field = self._column(name)
        if field is None:
            return str(self.now[name])
        if field.many_to_many:
            return ", ".join(map(str, getattr(self.instance, name).all())) or "nothing"
        held = (
            field.related_model
            and field.related_model._default_manager.filter(pk=self.now[name]).first()
        )
        choices = dict(field.flatchoices)
        value = held or choices.get(self._python(name, self.now[name]), self.now[name])
        return "nothing" if value in (None, "") else str(value)

    def _about(self) -> str:
        return f"{self._meta.model._meta.label} {self.instance.pk}"

    def _stored(self) -> dict[str, object]:
        """Return the current values of the editable fields."""
        stored: dict[str, object] = {}
        for name, form_field in self.fields.items():
            field = self._column(name)
            if field is None or form_field.disabled or name not in self.initial:
                continue
            if field.many_to_many:
                stored[name] = sorted(row.pk for row in self.initial[name])
            else:
                value = field.value_from_object(self.instance)
                stored[name] = None if value is None else field.value_to_string(self.instance)
        return stored

    def _shown(self) -> dict[str, object]:
        """Return the values that the page carried, if valid."""
        if not self.is_bound or not self.now:
            return {}
        text = self.data.get(self.add_prefix(NAME), "")
        try:
            about, shown = signing.loads(text, salt=SALT, serializer=Encoder)
        except (signing.BadSignature, ValueError):
            about, shown = "", {}
        if about != self._about():
            self.says_nothing = True
            return {}
        return {name: shown[name] for name in self.now if name in shown}

    def _python(self, name: str, value: object) -> object:
        field = self._column(name)
        return (
            value
            if field is None or value is None or field.many_to_many
            else (field.to_python(value))
        )

    def _column(self, name: str) -> models.Field[object, object] | None:
        try:
            return column_of(self._meta.model, name)
        except FieldDoesNotExist:
            return None


class ShownMixin(admin.ModelAdmin[M]):
    """An admin of rows that several people write: the row is locked before a form is judged."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[M]:
        """Lock the row that a form is about to write or delete, before those that go with it."""
        queryset = super().get_queryset(request)
        page = f"{self.opts.app_label}_{self.opts.model_name}"
        match = request.method == "POST" and request.resolver_match
        if match and match.url_name in (f"{page}_change", f"{page}_delete"):
            return queryset.select_for_update(of=("self",), no_key=True)
        return queryset

    def people_of(self, object_id: str | None) -> list[int]:
        """Return the people whose accounts a page is about to write."""
        return []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Check current rights, locked until the form is written."""
        if request.method == "POST":
            refuse_bad_choices(request, self.model)
        with self._rights_held(request, *self.people_of(object_id)):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Delete by the rights of now."""
        with self._rights_held(request):
            return super().delete_view(request, object_id, extra_context)

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[M], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run the action in one transaction, after checking current rights."""
        with self._rights_held(request):
            return super().response_action(request, queryset, *args, **kwargs)

    @contextmanager
    def _rights_held(self, request: HttpRequest, *people: int) -> Iterator[None]:
        """Hold the rights of all concerned until a block has written; to look needs none."""
        if request.method != "POST":
            yield
            return
        with transaction.atomic():
            hold_rights(request, *people)
            yield

    def save_model(
        self,
        request: HttpRequest,
        obj: M,
        form: forms.ModelForm[M],
        change: bool,  # noqa: FBT001 - Django's
    ) -> None:
        """Save the columns that were changed and no others, so that racing changes both stay."""
        if not change:
            obj.save()
        elif names := [name for name in form.changed_data if _is_column(obj, name)]:
            obj.save(update_fields=[*names, *_automatic(obj)])


def _is_column(obj: models.Model, name: str) -> bool:
    return name in {field.name for field in obj._meta.concrete_fields}


def _automatic(obj: models.Model) -> list[str]:
    return [field.name for field in obj._meta.fields if getattr(field, "auto_now", False)]
