"""The admin's pages on which a token is rotated, narrowed and revoked, each after a question."""

from collections.abc import Callable
from urllib.parse import urljoin

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from apitokens import life, usage
from apitokens.admin.forms import HOUR, RotateForm
from apitokens.models import ApiToken, ApiTokenQuerySet, Performer
from apitokens.scopes import PRIVILEGED, allows
from ratelimit.client_address import client_address
from registry import declared
from resources.admin import ModelAdmin
from staff.rights import hold_rights

TEMPLATES = "admin/apitokens/apitoken"
REVOKING = (
    "Requests with a revoked token are refused immediately. This cannot be undone: to "
    "restore access, create a new token."
)
NARROWING = (
    "Each token keeps only the scopes that its calls so far have needed. The secret does "
    "not change. Calls that need any other scope will be refused."
)


def performer_of(request: HttpRequest) -> Performer:
    """Return the current user and address."""
    address = client_address(request)
    return Performer(request.user.get_username(), str(address) if address else None)


class LifeAdmin(ModelAdmin[ApiToken]):
    """Rotation, narrowing and revocation of tokens."""

    actions = ("revoke_selected", "narrow_selected")

    def get_urls(self) -> list[URLPattern]:
        """Add a page for each thing that can be done to one token."""
        pages: dict[str, Callable[..., HttpResponse]] = {
            "rotate": self.rotate_view,
            "narrow": self.narrow_view,
            "revoke": self.revoke_view,
        }
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(self._by_the_rights_of_now(view)),
                name=f"apitokens_apitoken_{name}",
            )
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def _by_the_rights_of_now(
        self, view: Callable[..., HttpResponse]
    ) -> Callable[..., HttpResponse]:
        def judged(request: HttpRequest, pk: int) -> HttpResponse:
            usage.buffer.flush()  # before, as it locks several tokens for itself
            if request.method != "POST":
                return view(request, pk)
            with transaction.atomic():
                hold_rights(request)
                return view(request, pk)

        return judged

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the overlap, rotate and show the new secret."""
        token = self._asked_for(request, pk)
        form = RotateForm(request.POST or None)
        if form.is_valid():
            try:
                successor, secret = life.rotate(
                    token,
                    performer_of(request),
                    now=timezone.now(),
                    overlap=form.cleaned_data["overlap_hours"] * HOUR,
                )
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                self.log_change(request, token, "Rotated.")
                return self.show_secret(request, successor, secret, "Token rotated")
        return self._page(request, "rotate", token=token, form=form, title=f"Rotate {token.name}")

    def narrow_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for confirmation, and narrow the token."""
        token = self._asked_for(request, pk)
        tokens = ApiToken.objects.filter(pk=pk)
        if request.method == "POST":
            self._narrow(request, tokens)
            return redirect("admin:apitokens_apitoken_change", pk)
        return self._ask_to_narrow(request, tokens, f"Narrow {token.name}", token=token)

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for confirmation, and revoke the token or all tokens of its user."""
        token = self._asked_for(request, pk)
        others = ApiToken.objects.filter(user=token.user_id, revoked_at=None)
        if request.method == "POST":
            one = ApiToken.objects.filter(pk=pk)
            self._revoke(request, others if "all" in request.POST else one)
            return redirect("admin:apitokens_apitoken_change", pk)
        return self._page(
            request,
            "confirm",
            title=f"Revoke {token.name}",
            what="revoke",
            warning=REVOKING,
            tokens=[token],
            token=token,
            others=[other for other in others if other.pk != pk],
        )

    @admin.action(description="Revoke selected tokens", permissions=["change"])
    def revoke_selected(
        self, request: HttpRequest, queryset: QuerySet[ApiToken]
    ) -> HttpResponse | None:
        """Ask for confirmation, revoke and report how many."""
        tokens = _plain(queryset)
        if "confirmed" in request.POST:
            self._revoke(request, tokens)
            return None
        return self._page(
            request,
            "confirm",
            title="Revoke tokens",
            what="revoke",
            warning=REVOKING,
            tokens=list(tokens.select_related("user")),
            action="revoke_selected",
        )

    @admin.action(
        description="Narrow selected tokens to the scopes they use", permissions=["change"]
    )
    def narrow_selected(
        self, request: HttpRequest, queryset: QuerySet[ApiToken]
    ) -> HttpResponse | None:
        """Ask for confirmation, narrow the tokens and report the result."""
        tokens = _plain(queryset)
        if "confirmed" in request.POST:
            self._narrow(request, tokens)
            return None
        return self._ask_to_narrow(request, tokens, "Narrow tokens", action="narrow_selected")

    def show_secret(
        self, request: HttpRequest, token: ApiToken, secret: str, title: str
    ) -> HttpResponse:
        """Show the secret, on a page of its own.

        Not by a redirect, which would need it kept in a message, a cookie or the session. The
        page is lazy: it is made after the token was committed. The admin's pages are no-store.
        """
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "token": token,
            "secret": secret,
            "privileged": sorted(PRIVILEGED.keys() & {*token.scopes}),
            "example": f'curl -H "Authorization: Bearer {secret}" {_example_url(request, token)}',
        }
        headers = {"Referrer-Policy": "no-referrer"}
        return TemplateResponse(request, f"{TEMPLATES}/created.html", context, headers=headers)

    def _asked_for(self, request: HttpRequest, pk: int) -> ApiToken:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(ApiToken.objects.select_related("user"), pk=pk)

    def _page(self, request: HttpRequest, template: str, **context: object) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"{TEMPLATES}/{template}.html", {**shared, **context})

    def _ask_to_narrow(
        self, request: HttpRequest, tokens: ApiTokenQuerySet, title: str, **context: object
    ) -> HttpResponse:
        shown = list(tokens.select_related("user"))
        for token in shown:
            token.keeps = life.least_scopes(token)
        context |= {"title": title, "what": "narrow", "warning": NARROWING, "tokens": shown}
        return self._page(request, "confirm", **context)

    def _revoke(self, request: HttpRequest, tokens: ApiTokenQuerySet) -> None:
        """Revoke those in force, keep it in the admin's log, and say how many there were."""
        selected = tokens.count()
        in_force = life.revoke(tokens, performer_of(request), now=timezone.now())
        for token in in_force:
            self.log_change(request, token, "Revoked.")
        revoked, before = len(in_force), selected - len(in_force)
        words = f"{revoked} token{pluralize(revoked)} revoked."
        if before:
            words += f" {before} had already been revoked."
        self.message_user(request, words, messages.SUCCESS if revoked else messages.WARNING)

    def _narrow(self, request: HttpRequest, tokens: ApiTokenQuerySet) -> None:
        """Narrow each token, or say why it stays as it is; in the order of ids, as in `revoke`."""
        for token in tokens.order_by("pk"):
            try:
                kept = life.narrow(token, performer_of(request))
            except ValidationError as error:
                words = " ".join(error.messages)
                self.message_user(request, f"{token}: {words}", messages.WARNING)
            else:
                self.log_change(request, token, "Narrowed.")
                self.message_user(request, f"{token} keeps {', '.join(kept)}.", messages.SUCCESS)


def _plain(queryset: QuerySet[ApiToken]) -> ApiTokenQuerySet:
    """Return the same tokens without the annotations of the list."""
    return ApiToken.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))


def _example_url(request: HttpRequest, token: ApiToken) -> str:
    """Return the full address of a list that the token opens."""
    name = next(
        name for scope, name in declared.example_calls().items() if allows(token.scopes, scope)
    )
    return urljoin(settings.BASE_URL or request.build_absolute_uri("/"), reverse(name))
