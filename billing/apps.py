"""App declaration of billing."""

from registry.config import ApiAppConfig

BILLING = {
    "reference": "2024-0031",
    "entries": 18,
    "seconds": 259200,
    "rounded_seconds": 262800,
    "amounts": [{"currency": "EUR", "amount": 5475.0}],
    "billed_at": "2024-02-01T08:00:00Z",
}


class BillingConfig(ApiAppConfig):
    """What was billed, each hour once."""

    name = "billing"
    tags = {"Billing": "Mark time entries as billed, once, and get the lines of an invoice."}
    examples = {"Billing": BILLING}
