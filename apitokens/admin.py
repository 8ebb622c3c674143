"""API tokens in the Django admin: issued, shown once, revoked; for administrators only."""

from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from apitokens.forms import DescriptionForm, IssueForm
from apitokens.models import ApiToken, ApiTokenQuerySet
from apitokens.scopes import Scope, allows
from timetracker.admin import ModelAdmin

SCOPES_IN_LIST = 2
WITHOUT_EFFECT = "Without effect: the user is not an administrator"
STATES = ("active", "expired", "revoked", "inactive user")
# What a new token is tried on: the first that it opens.
EXAMPLES = {
    Scope.READ_PROJECTS: "project-list",
    Scope.READ_TIME_ENTRIES: "time-entry-list",
    Scope.READ_TASKS: "task-list",
    Scope.READ_CLIENTS: "client-list",
    Scope.READ_REPORTS: "summary-report",
    Scope.READ_USERS: "current-user",
}


class StateFilter(admin.SimpleListFilter):
    """Active, expired, revoked, or of an inactive user."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        """Offer the states of ApiToken.state."""
        return [(state, state.capitalize()) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        """Keep the tokens of a state; the cases are those of ApiToken.state."""
        if self.value() is None:
            return queryset
        state = Case(
            When(revoked_at__isnull=False, then=Value("revoked")),
            When(expires_at__lte=timezone.now(), then=Value("expired")),
            When(user__is_active=True, then=Value("active")),
            default=Value("inactive user"),
        )
        return queryset.alias(state_now=state).filter(state_now=self.value())


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin[ApiToken]):
    """Issue tokens, see what they may do and when they were used, revoke them."""

    list_display = (
        "name",
        "prefix_shown",
        "user",
        "scopes_in_short",
        "state",
        "expires",
        "last_used",
        "created",
    )
    list_filter = (StateFilter, ("user", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    autocomplete_fields = ("user",)
    actions = ("revoke_selected",)
    form = DescriptionForm
    readonly_fields = (
        "user",
        "scopes_granted",
        "prefix_shown",
        "state",
        "created",
        "expires",
        "revoked_at",
        "last_used",
    )
    fields = ("name", "description", *readonly_fields)
    add_fields = ("name", "description", "user", "scopes", "expires_in_days")

    class Media:
        css = {"all": ("apitokens/tokens.css",)}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Only administrators: whoever can issue a token can act as anybody."""
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Only administrators."""
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only administrators."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Only administrators."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Nobody: a revoked token is kept, so that its use can be traced."""
        return False

    def get_form(
        self,
        request: HttpRequest,
        obj: ApiToken | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's
        **kwargs: Any,
    ) -> type[ModelForm[ApiToken]]:
        """Return the form that issues a token, or the one that describes it."""
        form = DescriptionForm if change else IssueForm
        return super().get_form(request, obj, change, form=form, **kwargs)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        """Return what is decided when issuing; later what was decided."""
        return self.fields if obj else self.add_fields

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form under the name that the documentation has for it."""
        return super().add_view(request, form_url, {"title": "Create token"})

    def get_urls(self) -> list[URLPattern]:
        """Add the page that revokes."""
        revoke = self.admin_site.admin_view(self.revoke_view)
        name = "apitokens_apitoken_revoke"
        return [path("<int:pk>/revoke/", revoke, name=name), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Give a new token its secret; it stays with this request's instance alone."""
        if not change:
            obj.secret = obj.set_secret()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret, on a page of its own.

        Not by a redirect, which would need it kept in a message, a cookie or the session. The
        page is lazy: it is made after the token was committed. The admin's pages are no-store.
        """
        secret = obj.secret  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": "Token created",
            "opts": self.opts,
            "token": obj,
            "secret": secret,
            "example": f'curl -H "Authorization: Bearer {secret}" {_example_url(request, obj)}',
        }
        template = "admin/apitokens/apitoken/created.html"
        return TemplateResponse(
            request, template, context, headers={"Referrer-Policy": "no-referrer"}
        )

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Revoke one token."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        get_object_or_404(ApiToken, pk=pk)
        self._revoke(request, ApiToken.objects.filter(pk=pk))
        return redirect("admin:apitokens_apitoken_change", pk)

    @admin.action(description="Revoke selected tokens", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke tokens, and say how many."""
        self._revoke(request, ApiToken.objects.filter(pk__in=queryset.values("pk")))

    def _revoke(self, request: HttpRequest, selected: ApiTokenQuerySet) -> None:
        """Revoke those in force, keep it in the admin's log, and say how many there were."""
        with transaction.atomic():
            in_force = list(selected.filter(revoked_at=None).select_for_update())
            ApiToken.objects.filter(pk__in=[token.pk for token in in_force]).revoke(timezone.now())
            for token in in_force:
                self.log_change(request, token, "Revoked.")
        revoked, before = len(in_force), selected.count() - len(in_force)
        words = f"{revoked} token{pluralize(revoked)} revoked."
        if before:
            words += f" {before} had been revoked before."
        self.message_user(request, words, messages.SUCCESS if revoked else messages.WARNING)

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

    @admin.display(description="Scopes")
    def scopes_granted(self, token: ApiToken) -> SafeString:
        """Return each scope with its sentence, and whether it counts."""
        effective = token.effective_scopes()
        return format_html(
            '<ul class="scope-list">{}</ul>',
            format_html_join(
                "", "<li><code>{}</code> {}</li>", _sentences(token.scopes, effective)
            ),
        )

    @admin.display(description="State")
    def state(self, token: ApiToken) -> SafeString:
        """Return the state as a word, with a colour."""
        state = token.state(timezone.now())
        return format_html(
            '<span class="token-state token-{}">{}</span>', state.replace(" ", "-"), state
        )

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, token: ApiToken) -> SafeString | str:
        """Return the day; the time as title."""
        return _day(token.expires_at) if token.expires_at else "never"

    @admin.display(description="Last used", ordering="last_used_at")
    def last_used(self, token: ApiToken) -> SafeString | str:
        """Return how long ago; the time as title."""
        if token.last_used_at is None:
            return "never"
        ago = f"{timesince(token.last_used_at, depth=1)} ago"
        return _titled(token.last_used_at, ago)

    @admin.display(description="Created", ordering="created_at")
    def created(self, token: ApiToken) -> SafeString:
        """Return the day; the time as title."""
        return _day(token.created_at)


def _example_url(request: HttpRequest, token: ApiToken) -> str:
    """Return the full address of a list that the token opens."""
    name = next(name for scope, name in EXAMPLES.items() if allows(token.scopes, scope))
    return urljoin(settings.BASE_URL or request.build_absolute_uri("/"), reverse(name))


def _sentences(scopes: list[str], effective: list[str]) -> list[tuple[str, str]]:
    labels = dict(Scope.choices)
    return [
        (scope, labels.get(scope, "Unknown") if scope in effective else WITHOUT_EFFECT)
        for scope in scopes
    ]


def _day(instant: datetime) -> SafeString:
    return _titled(instant, localize(timezone.localdate(instant)))


def _titled(instant: datetime, words: str) -> SafeString:
    title = localize(timezone.localtime(instant))
    return format_html('<span title="{}">{}</span>', title, words)
