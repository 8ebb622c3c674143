"""The admin site: access, login and menu."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from edge.reading import page_read
from staff.login import LoginForm, PasswordChangeForm, remember_browser
from staff.queries import refuse_unanswerable, within_numbers


class AdminSite(admin.AdminSite):
    """Django's admin under our name."""

    site_title = "TimeTracker"
    site_header = "TimeTracker"
    index_title = "Administration"
    site_url = None  # there is no other site: base_site.html links to the API's documentation
    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Also check the query: every admin page calls this first."""
        refuse_unanswerable(request)
        return super().has_permission(request)

    def admin_view(
        self,
        view: Callable[..., HttpResponseBase],
        cacheable: bool = False,  # noqa: FBT001, FBT002 - Django's
    ) -> Any:
        """Return a page that only staff may see."""
        return super().admin_view(page_read(within_numbers(view)), cacheable)

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Log in, and remember the browser."""
        response = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated:
            remember_browser(response, request.user.get_username())
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
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

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[object]:
        """Return the models in a few sections; Django has one for each app, most with one model.

        An app that declares no section, as Django's own, is beside users and tokens.
        """
        if app_label:
            return super().get_app_list(request, app_label)
        listed = {app["app_label"]: app for app in super().get_app_list(request)}
        sections: dict[str, list[Mapping[str, Iterable[object]]]] = {"Work": [], "Access": []}
        for config in apps.get_app_configs():
            if config.label in listed:
                title = getattr(config, "section", "Access")
                sections.setdefault(title, []).append(listed[config.label])
        return [_section(title, found) for title, found in sections.items() if found]


def _section(title: str, found: Sequence[Mapping[str, Iterable[object]]]) -> dict[str, object]:
    label = title.lower()
    return {
        "name": title,
        "app_label": label,
        # With a fragment it is part of no path, or Django would highlight every section.
        "app_url": f"{reverse('admin:index')}#{label}",
        "has_module_perms": True,
        "models": [model for app in found for model in app["models"]],
    }
