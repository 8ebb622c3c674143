"""App declaration of logins."""

from registry.config import ApiAppConfig


class LoginsConfig(ApiAppConfig):
    """Logging in from apps."""

    name = "logins"
    tags = {"Auth": "Log in from an app with a username and a password."}
    examples = {
        "LoginRequest": {"username": "maria", "password": "correct horse battery staple"},
        "LoggedIn": {
            "token": "tt_••••••••••••••••••••••••••••••••",
            "expires_at": "2024-04-14T17:00:00Z",
            "scopes": ["read:projects", "read:time_entries", "write:time_entries", "read:users"],
            "user": {
                "id": 2,
                "username": "maria",
                "email": "maria@example.com",
                "full_name": "Maria Lund",
                "role": "user",
                "time_zone": "Europe/Copenhagen",
                "active": True,
            },
        },
    }
