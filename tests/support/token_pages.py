"""The admin's pages of tokens, and what a secret from them opens."""

import re
from typing import Any

from django.urls import reverse
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from tests.support.admin import text_of
from users.models import User

LIST = reverse("admin:apitokens_apitoken_changelist")
ADD = reverse("admin:apitokens_apitoken_add")
PAGES = ("rotate", "narrow", "revoke")


def change_url(token: ApiToken) -> str:
    return reverse("admin:apitokens_apitoken_change", args=[token.pk])


def page_url(token: ApiToken, page: str) -> str:
    return reverse(f"admin:apitokens_apitoken_{page}", args=[token.pk])


def revoke_url(token: ApiToken) -> str:
    return page_url(token, "revoke")


def form_data(user: User, /, **fields: Any) -> dict[str, Any]:
    """What a browser sends for a token that reads projects for a year."""
    return {
        "name": "Dashboard",
        "description": "On the wall",
        "user": user.pk,
        "scopes": ["read:projects"],
        "expires_in_days": "365",
        **fields,
    }


def code_of(response: Any, name: str) -> str:
    """The text of an element that the page offers to copy."""
    found = re.search(rf'<code id="{name}">(.*?)</code>', response.content.decode())
    assert found
    return text_of(found[1])


def call(secret: str, url: str = "/api/v1/projects") -> int:
    """The status that the API answers a secret with."""
    status: int = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(url).status_code
    return status
