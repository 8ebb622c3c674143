"""App declaration of rates."""

from registry.config import ApiAppConfig


class RatesConfig(ApiAppConfig):
    """Rates."""

    name = "rates"
    viewset = "rates.views.RateViewSet"
    scopes = {
        "read:rates": "View hourly rates",
        "write:rates": "Create, update and delete hourly rates (administrators)",
    }
    tags = {"Rates": "Hourly rates of users, clients and projects, each from a day on."}
    examples = {
        "Rate": {
            "id": 7,
            "user_id": 2,
            "client_id": None,
            "project_id": 1,
            "hourly_rate": 90.0,
            "valid_from": "2024-02-01",
            "valid_until": None,
            "currency": "EUR",
        },
        "PatchedRateRequest": {"hourly_rate": 95.0},
    }
