"""The original's apps: the headers that they send with every request, and how they log in.

From their sources, versions 5.10 and 5.11. What a browser engine or Dart adds by itself is as it
adds it; bodies are as `JSON.stringify` and Dart's `jsonEncode` write them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test.client import Client

RIGHT = "pass-word-1"
JSON = "application/json"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {}Chrome/{}"
    " {}Safari/537.36"
)


@dataclass(frozen=True)
class App:
    """One of the original's apps. Its HTTP library may send a type without a body."""

    dialect: str
    headers: Mapping[str, str]
    always_typed: bool
    writing: Mapping[str, str] = field(default_factory=dict)  # headers of all but GET

    def headers_of(self, method: str, *, has_body: bool, token: str = "") -> dict[str, str]:
        """Return the headers of a request."""
        headers = dict(self.headers)
        if method != "GET":
            headers |= self.writing
        if has_body or self.always_typed:
            headers["Content-Type"] = JSON
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers


# Electron's renderer; axios drops the type of a request without data.
DESKTOP = App(
    "desktop",
    {
        "Accept": JSON,
        "Accept-Encoding": "gzip, deflate, br",
        "Accept-Language": "en-GB",
        "Origin": "null",
        "Sec-Fetch-Mode": "cors",
        "User-Agent": CHROME.format(
            "timetracker-desktop/5.11.0 ", "120.0.6099.291 ", "Electron/28.3.3 "
        ),
    },
    always_typed=False,
)
# The extension has the permission for its server's origin: only POSTs carry its own.
EXTENSION = App(
    "extension",
    {
        "Accept": JSON,
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Sec-Fetch-Mode": "cors",
        "User-Agent": CHROME.format("", "131.0.0.0 ", ""),
    },
    always_typed=False,
    writing={"Origin": "chrome-extension://lpdimaogcpnkjmnbnkhcmnkfhpfjljmd"},
)
# Dio sends its base options' type with everything.
MOBILE = App(
    "mobile",
    {"User-Agent": "Dart/3.5 (dart:io)", "Accept-Encoding": "gzip"},
    always_typed=True,
)
APPS = {app.dialect: app for app in (DESKTOP, EXTENSION, MOBILE)}


class Installed:
    """An app that has logged in, and sends requests to the service in this process."""

    def __init__(self, app: App, username: str = "olga") -> None:
        self.app, self.token = app, ""
        body = json.dumps({"username": username, "password": RIGHT}, separators=(",", ":"))
        response = self.send("POST", "/api/v1/auth/login", body)
        assert response.status_code == 200, response.content
        self.token = response.json()["token"]

    def send(self, method: str, target: str, body: str = "") -> Any:
        """Return the answer to a request with these bytes."""
        headers = self.app.headers_of(method, has_body=bool(body), token=self.token)
        content_type = headers.pop("Content-Type", "")
        return Client().generic(method, target, body, content_type=content_type, headers=headers)

    def json(self, method: str, target: str, body: object = None) -> Any:
        """Return the JSON of the answer to a request."""
        text = "" if body is None else json.dumps(body, separators=(",", ":"))
        return self.send(method, target, text).json()
