"""The forms of the admin in which a token is issued, described and rotated."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.utils import timezone

from apitokens.addresses import parse_networks
from apitokens.life import USUAL_OVERLAP
from apitokens.models import ApiToken
from apitokens.scopes import PRIVILEGED, known_scopes, presets
from staff.shown import ShownForm

USUAL_LIFE_DAYS = 365
HOUR = timedelta(hours=1)
OVERLAPS = (
    (1, "1 hour"),
    (USUAL_OVERLAP // HOUR, "24 hours"),
    (7 * 24, "7 days"),
    (0, "No overlap: revoke it now, because the secret may be compromised"),
)


def scope_groups() -> Mapping[str, list[tuple[str, str]]]:
    """Return the scopes with their descriptions, grouped by resource."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for scope, text in known_scopes().items():
        resource = "everything" if scope in PRIVILEGED else scope.split(":")[1]
        title = resource.replace("_", " ").capitalize()
        groups.setdefault(title, []).append((scope, text))
    return groups


def preset_choices() -> list[tuple[str, str]]:
    """Return the key and the name of each combination of scopes."""
    return [(preset.key, preset.name) for preset in presets()]


class ScopesWidget(forms.CheckboxSelectMultiple):
    """Checkboxes grouped by resource, each with the scope and its sentence."""

    template_name = "admin/apitokens/apitoken/scopes.html"


class PresetsWidget(forms.RadioSelect):
    """A card for each combination of scopes; a script ticks the scopes that a card names."""

    template_name = "admin/apitokens/apitoken/presets.html"

    def create_option(self, name: str, value: object, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the scopes and purpose to each card."""
        option = super().create_option(name, value, *args, **kwargs)
        preset = next(preset for preset in presets() if preset.key == value)
        option["attrs"]["data-scopes"] = " ".join(preset.scopes)
        option["purpose"] = preset.purpose
        return option


class NetworksField(forms.CharField):
    """Networks as people write them, one a line."""

    def prepare_value(self, value: object) -> object:
        """Show one network per line."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: object) -> list[str]:
        """Return the networks, or say which word is none."""
        return parse_networks(super().clean(value))

    def has_changed(self, initial: object, data: object) -> bool:
        """Compare networks, not how they are written."""
        try:
            return bool(self.clean(data) != (initial or []))
        except ValidationError:
            return True


class DescriptionForm(ShownForm[ApiToken]):
    """The editable fields of an existing token."""

    allowed_networks = NetworksField(
        required=False,
        widget=AdminTextareaWidget({"rows": 3}),
        help_text=(
            "IP addresses or networks, one per line: 203.0.113.7, 10.0.0.0/8, 2001:db8::/32. "
            "Leave blank to allow any address."
        ),
    )

    def _get_validation_exclusions(self) -> set[str]:
        """Judge the unique name too, although it depends on columns outside the form."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions - {"user", "revoked_at", "replaced_at"} | set(self.errors)


class IssueForm(DescriptionForm):
    """The fields of a new token."""

    preset = forms.ChoiceField(
        label="Purpose",
        choices=preset_choices,
        widget=PresetsWidget,
        required=False,
    )
    # Not required here: ApiToken.clean has the sentence for it.
    scopes = forms.MultipleChoiceField(choices=scope_groups, widget=ScopesWidget, required=False)
    expires_in_days = forms.IntegerField(
        label="Expires in days",
        required=False,
        initial=USUAL_LIFE_DAYS,
        min_value=1,
        max_value=ApiToken.LONGEST_LIFE_DAYS,
        help_text=(
            f"From 1 to {ApiToken.LONGEST_LIFE_DAYS}. Leave blank for a token that never expires."
        ),
    )

    def clean(self) -> dict[str, object]:
        """Count the days from now; without a script, a purpose stands for its scopes."""
        days = self.cleaned_data.get("expires_in_days")
        self.instance.expires_at = timezone.now() + timedelta(days=days) if days else None
        for preset in presets():
            if preset.key == self.cleaned_data.get("preset") and not self.cleaned_data["scopes"]:
                self.cleaned_data["scopes"] = [*preset.scopes]
        return super().clean()


class RotateForm(forms.Form):
    """How long the old secret stays good."""

    overlap_hours = forms.TypedChoiceField(
        label="Keep the old secret valid for",
        choices=OVERLAPS,
        coerce=int,
        initial=USUAL_OVERLAP // HOUR,
        widget=forms.RadioSelect,
    )
