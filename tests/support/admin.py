"""The admin's pages as tests see them."""

import html
import re
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db.models import Model
from django.forms import MultiWidget
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.support.factories import make_user
from users.models import User


def admin_as(user: User) -> Client:
    """A browser in which a user has logged in."""
    browser = Client()
    browser.force_login(user)
    return browser


def url(model: type[Model], page: str, *args: Any) -> str:
    """The address of a page about a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def text_of(markup: str) -> str:
    """The words of a piece of a page."""
    return " ".join(html.unescape(strip_tags(markup)).split())


def rows_of(response: Any) -> list[list[str]]:
    """The rows of a list, without the checkboxes for actions."""
    _, found, table = response.content.decode().partition('<table id="result_list">')
    rows = re.findall(r"<tr>(<td class=\"action-checkbox\">.*?)</tr>", table, re.DOTALL)
    assert bool(found) == bool(rows)
    return [
        [text_of(cell) for cell in re.findall(r"<t[dh] class=\"field.*?</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]


def errors_of(response: Any) -> dict[str, list[str]]:
    """What a refused form says, by field; `__all__` for the form as a whole."""
    assert response.status_code == 200
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return {field: list(words) for field, words in errors.items()}


def messages_of(response: Any) -> list[str]:
    """What the admin says on the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def as_shown(response: Any) -> dict[str, Any]:
    """What a browser sends back of a change form in which nobody touched anything."""
    form = response.context["adminform"].form
    data: dict[str, Any] = {"_shown": form.shown}
    for bound in form:
        widget, value = bound.field.widget, bound.value()
        if isinstance(widget, MultiWidget):
            parts = zip(widget.widgets, widget.decompress(value) or (), strict=True)
            for place, (part, of_value) in enumerate(parts):
                data[f"{bound.html_name}_{place}"] = part.format_value(of_value) or ""
        elif isinstance(value, bool):
            data |= {bound.html_name: "on"} if value else {}
        elif isinstance(value, list):
            data[bound.html_name] = [str(getattr(each, "pk", each)) for each in value]
        else:
            text = "" if value is None else str(value)
            data[bound.html_name] = text.replace("\n", "\r\n")
    return data


def make_staff(username: str = "stan", *permissions: str) -> User:
    """Staff who may see reports, and what other permissions allow."""
    user = make_user(username, is_staff=True, time_zone="Europe/Berlin")
    codes = ("view_reports", *permissions)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return user
