"""Apps that log in, as tests need them."""

from typing import Any

from rest_framework.test import APIClient

LOGIN, LOGOUT = "/api/v1/auth/login", "/api/v1/auth/logout"
RIGHT = "pass-word-1"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SCOPES = [
    *("read:projects", "read:time_entries", "write:time_entries", "write:projects"),
    *("read:tasks", "write:tasks", "read:clients", "write:clients"),
    *("read:reports", "read:users"),
]
WRONG = {
    "error": "Invalid username or password",
    "message": (
        "Check the username and the password. If both are correct, ask an administrator whether "
        "the account is active."
    ),
    "error_code": "unauthorized",
}


def log_in(
    username: str = "olga",
    password: str = RIGHT,
    *,
    address: str = "192.0.2.1",
    device: str = BROWSER,
    **headers: Any,
) -> Any:
    """The answer to a login of an app."""
    body = {"username": username, "password": password}
    client = APIClient(REMOTE_ADDR=address, HTTP_USER_AGENT=device, **headers)
    return client.post(LOGIN, body)


def app_of(username: str = "olga", **options: Any) -> APIClient:
    """An app that has logged in."""
    response = log_in(username, **options)
    assert response.status_code == 200, response.content
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")
