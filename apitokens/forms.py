"""The forms of the admin in which a token is issued and described."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from apitokens.models import ApiToken
from apitokens.scopes import PRIVILEGED, Scope

USUAL_LIFE_DAYS = 365


def scope_groups() -> Mapping[str, list[tuple[str, str]]]:
    """Return the scopes with their sentences, by what they open."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for scope in Scope:
        resource = "everything" if scope in PRIVILEGED else scope.value.split(":")[1]
        title = resource.replace("_", " ").capitalize()
        groups.setdefault(title, []).append((scope.value, scope.label))
    return groups


class ScopesWidget(forms.CheckboxSelectMultiple):
    """Checkboxes grouped by resource, each with the scope and its sentence."""

    template_name = "admin/apitokens/apitoken/scopes.html"


class DescriptionForm(forms.ModelForm[ApiToken]):
    """What can still be changed of a token: its name and description."""

    def _get_validation_exclusions(self) -> set[str]:
        """Judge the unique name too, although it depends on columns outside the form."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions - {"user", "revoked_at", "replaced_at"} | set(self.errors)


class IssueForm(DescriptionForm):
    """What is decided when a token is issued."""

    # Not required here: ApiToken.clean has the sentence for it.
    scopes = forms.MultipleChoiceField(choices=scope_groups, widget=ScopesWidget, required=False)
    expires_in_days = forms.IntegerField(
        label="Expires in days",
        required=False,
        initial=USUAL_LIFE_DAYS,
        min_value=1,
        max_value=ApiToken.LONGEST_LIFE_DAYS,
        help_text=f"From 1 to {ApiToken.LONGEST_LIFE_DAYS}. Leave it blank for a token that never"
        " expires.",
    )

    def clean(self) -> dict[str, Any] | None:
        """Count the days from now."""
        days = self.cleaned_data.get("expires_in_days")
        self.instance.expires_at = timezone.now() + timedelta(days=days) if days else None
        return super().clean()
