"""How lists of webhooks, and of the deliveries of one, can be narrowed."""

from api.filters.base import (
    ChoiceFilter,
    ExternalIdFilter,
    FilterSet,
    SearchFilter,
    SinceFilter,
    SwitchFilter,
)
from webhooks.events import EVENT_TYPES, TEST
from webhooks.models import Delivery, Webhook


class WebhookFilter(FilterSet):
    """Filters of `GET /webhooks`."""

    active = SwitchFilter()
    search = SearchFilter("description")
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Webhook
        fields: list[str] = []


class DeliveryFilter(FilterSet):
    """Filters of `GET /webhooks/{id}/deliveries`."""

    state = ChoiceFilter(choices=Delivery.State.choices)
    event = ChoiceFilter(choices=[(name, name) for name in (*EVENT_TYPES, TEST)])

    class Meta:
        model = Delivery
        fields: list[str] = []
