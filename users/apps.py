"""App declaration of users."""

from functools import partial

from django.contrib.auth.hashers import make_password

from registry.config import ApiAppConfig


class UsersConfig(ApiAppConfig):
    """Users."""

    name = "users"
    viewset = "users.views.UserViewSet"
    scopes = {"read:users": "View one's own user information"}
    tags = {"Users": "People who track time."}
    example_calls = {"read:users": "current-user"}
    section = "Access"
    # Not `last_login`: that nobody sees.
    shown_columns = (
        *("username", "email", "first_name", "last_name"),
        *("is_superuser", "is_active", "time_zone"),
    )
    left_out = {"password": partial(make_password, None)}  # unusable
    examples = {
        "User": {
            "id": 2,
            "username": "maria",
            "email": "maria@example.com",
            "full_name": "Maria Lund",
            "role": "user",
            "time_zone": "Europe/Copenhagen",
            "active": True,
        }
    }
