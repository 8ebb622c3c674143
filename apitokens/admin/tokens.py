"""API tokens in the Django admin: issued, shown once, watched; for administrators only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil

from apitokens import usage
from apitokens.admin.filters import SOON, AttentionFilter, ScopeFilter, StateFilter
from apitokens.admin.forms import DescriptionForm, IssueForm
from apitokens.admin.pages import LifeAdmin, performer_of
from apitokens.admin.use import Use
from apitokens.dialects import name_choices
from apitokens.models import USABLE, ApiToken, ApiTokenQuerySet, TokenEvent
from apitokens.scopes import known_scopes
from registry import declared
from staff.filters import PersonFilter
from staff.permissions import AdministratorsOnly

SCOPES_IN_LIST = 2
ROTATION = '{} <a href="{}"><code>{}…</code></a>'
WITHOUT_EFFECT = "No effect: the user is not an administrator"


@admin.register(ApiToken)
class ApiTokenAdmin(AdministratorsOnly, LifeAdmin):
    """Issue tokens, and see their scopes and usage."""

    list_display = (
        "name",
        "prefix_shown",
        "user",
        "scopes_in_short",
        "state",
        "last_used",
        "calls_lately",
    )
    list_filter = (
        StateFilter,
        AttentionFilter,
        PersonFilter,
        ScopeFilter,
        "from_login",
    )
    search_fields = ("folded_name__holds", "prefix", "user__folded_names__holds")
    autocomplete_fields = ("user",)
    form = DescriptionForm
    readonly_fields = (
        "user",
        "prefix_shown",
        "state",
        "created",
        "expires",
        "rotation",
        "last_used",
        "last_address",
    )
    changed = ("name", "allowed_networks", "description")
    facts = (None, {"fields": readonly_fields, "classes": ("facts",)})
    issued = ("name", "user", "preset", "scopes", "expires_in_days", *changed[1:])

    class Media:
        css = {"all": ("apitokens/tokens.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: a revoked token is kept, so that its use can be traced."""
        return False

    def get_form(
        self,
        request: HttpRequest,
        obj: ApiToken | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's
        **kwargs: object,
    ) -> type[ModelForm[ApiToken]]:
        """Return the form that issues a token, or the one that describes it."""
        form = DescriptionForm if change else IssueForm
        made = super().get_form(request, obj, change, form=form, **kwargs)
        if field := made.base_fields.get("dialect"):
            made.base_fields["dialect"] = forms.ChoiceField(
                choices=name_choices, required=False, help_text=field.help_text
            )
        return made

    def get_fieldsets(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """Return the fields of a new token, or the facts and editable fields of another."""
        dialect = ("dialect",) if declared.dialects() else ()
        if obj is None:
            return ((None, {"fields": (*self.issued, *dialect)}),)
        rights = ("administrator_rights",) if obj.from_login else ()
        return (self.facts, ("Settings", {"fields": (*self.changed, *rights, *dialect)}))

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show the form under the name that the documentation has for it."""
        return super().add_view(request, form_url, {"title": "Create token"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Add to each token how often it was used lately."""
        tokens = cast("ApiTokenQuerySet", super().get_queryset(request))
        return tokens.with_calls(timezone.now()).select_related("user", "rotated_from")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Add the token's usage and history to the page."""
        usage.buffer.flush()
        token = self.get_object(request, object_id)
        if token is not None:
            use = Use.of(token, timezone.now())
            extra_context = {
                "title": token.name,
                "subtitle": None,
                "use": use,
                "scopes": [_scope(token, scope, use) for scope in token.scopes],
                "events": TokenEvent.objects.filter(token=token).order_by("-id"),
                "can_narrow": use.keeps and set(use.keeps) != set(token.scopes),
                "can_rotate": not (token.revoked_at or token.replaced_at),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Flush this process's usage counts first."""
        usage.buffer.flush()
        return super().changelist_view(request, extra_context)

    def save_model(
        self,
        request: HttpRequest,
        obj: ApiToken,
        form: ModelForm[ApiToken],
        change: bool,  # noqa: FBT001 - Django's
    ) -> None:
        """Give a new token its secret; it stays with this request's instance alone."""
        if not change:
            obj.secret = obj.set_secret()
        super().save_model(request, obj, form, change)

    def save_related(
        self,
        request: HttpRequest,
        form: ModelForm[ApiToken],
        formsets: object,
        change: bool,  # noqa: FBT001 - Django's
    ) -> None:
        """Record an event in the same transaction."""
        super().save_related(request, form, formsets, change)
        token = form.instance
        if not change:
            token.note_issue(performer_of(request))
        elif form.changed_data:
            detail = "; ".join(_changes(form))
            TokenEvent.record(token, TokenEvent.Action.CHANGED, performer_of(request), detail)

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret instead of a redirect."""
        secret = obj.secret
        return self.show_secret(request, obj, secret, "Token created")

    @admin.display(description="Prefix", ordering="prefix")
    def prefix_shown(self, token: ApiToken) -> SafeString:
        """Return how the secret begins."""
        return format_html("<code>{}…</code>", token.prefix)

    @admin.display(description="Scopes")
    def scopes_in_short(self, token: ApiToken) -> SafeString:
        """Return the first scopes, struck out those without effect, and how many more."""
        effective, more = token.effective_scopes(), len(token.scopes) - SCOPES_IN_LIST
        shown = [
            format_html(
                "<code>{}</code>" if scope in effective else "<s><code>{}</code></s>", scope
            )
            for scope in token.scopes[:SCOPES_IN_LIST]
        ]
        if more > 0:
            shown.append(format_html("+{}", more))
        words = format_html_join(" ", "{}", ((word,) for word in shown))
        return format_html('<span title="{}">{}</span>', ", ".join(token.scopes), words)

    @admin.display(description="State")
    def state(self, token: ApiToken) -> SafeString:
        """Return the state in words, with a colour."""
        now = timezone.now()
        state = words = token.state(now)
        if state in USABLE and token.expires_at and token.expires_at <= now + SOON:
            left = timeuntil(token.expires_at, now, depth=1)
            state, words = "expiring", f"expires in {left}"
        title = localize(timezone.localtime(token.expires_at)) if token.expires_at else "never"
        return format_html(
            '<span class="token-state token-{}" title="Expires: {}">{}</span>',
            state.replace(" ", "-"),
            title,
            words,
        )

    @admin.display(description="Calls, 30 days", ordering="calls")
    def calls_lately(self, token: ApiToken) -> SafeString:
        """Return how many calls the token made in the last 30 days."""
        calls = token.calls
        return format_html('<span title="Calls in the last 30 days">{}</span>', f"{calls:,}")

    @admin.display(description="Rotation")
    def rotation(self, rotated: ApiToken) -> SafeString | str:
        """Return links to the token's predecessor and successor."""
        before: ApiToken | None = rotated.rotated_from
        after = ApiToken.objects.filter(rotated_from=rotated).first()
        parts = [
            format_html(
                '{} <a href="{}"><code>{}…</code></a>', words, _page_of(other), other.prefix
            )
            for words, other in (("Replaces", before), ("Replaced by", after))
            if other
        ]
        return format_html_join(". ", "{}", ((part,) for part in parts)) or "Never rotated"

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, token: ApiToken) -> SafeString | str:
        """Return the day; the time as title."""
        return _day(token.expires_at) if token.expires_at else "never"

    @admin.display(description="Last used", ordering="last_used_at")
    def last_used(self, token: ApiToken) -> SafeString | str:
        """Return how long ago; the time as title."""
        if token.last_used_at is None:
            return "never"
        now = timezone.now()
        ago = f"{timesince(token.last_used_at, now, depth=1)} ago"
        just = now - token.last_used_at < timedelta(minutes=1)
        return _titled(token.last_used_at, "just now" if just else ago)

    @admin.display(description="Created", ordering="created_at")
    def created(self, token: ApiToken) -> SafeString:
        """Return the day; the time as title."""
        return _day(token.created_at)


def _scope(token: ApiToken, scope: str, use: Use) -> dict[str, object]:
    sentence = known_scopes().get(scope, "Unknown")
    if scope not in token.effective_scopes():
        sentence = WITHOUT_EFFECT
    return {"name": scope, "sentence": sentence, "used": scope in use.used}


def _changes(form: ModelForm[ApiToken]) -> Iterator[str]:
    """Yield the changes of a form, with old and new values except for long text."""
    for name in form.changed_data:
        label = name.replace("_", " ")
        if name == "description":
            yield label
            continue
        before, after = form.initial[name], form.cleaned_data[name]
        if name == "allowed_networks":
            before, after = (", ".join(value) or "anywhere" for value in (before, after))
        yield f"{label}: {before} → {after}"


def _page_of(token: ApiToken) -> str:
    return reverse("admin:apitokens_apitoken_change", args=[token.pk])


def _day(instant: datetime) -> SafeString:
    return _titled(instant, localize(timezone.localdate(instant)))


def _titled(instant: datetime, words: str) -> SafeString:
    title = localize(timezone.localtime(instant))
    return format_html('<span title="{}">{}</span>', title, words)
