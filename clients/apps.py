"""App declaration of clients."""

from registry.config import ApiAppConfig


class ClientsConfig(ApiAppConfig):
    """Clients."""

    name = "clients"
    viewset = "clients.views.ClientViewSet"
    scopes = {
        "read:clients": "View clients",
        "write:clients": "Create, update and delete clients",
    }
    tags = {"Clients": "Customers and their default hourly rates."}
    examples = {
        "Client": {
            "id": 5,
            "name": "Acme Corp",
            "email": "contact@acme.com",
            "company": "Acme Corporation",
            "phone": "+1-555-0123",
            "address": "",
            "default_hourly_rate": None,
            "currency": "EUR",
            "rounding": {"minutes": 15, "mode": "up"},
            "status": "active",
        },
        "PatchedClientRequest": {"status": "inactive"},
    }
