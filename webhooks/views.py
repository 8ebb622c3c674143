"""The webhooks' endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination.pages import PagePagination
from api.schema.answers import list_envelope, written_envelope
from api.serializers.base import refuse_unknown
from api.serializers.fields import AnyField, InstantField
from api.serializers.representation import representation_of
from api.views import METHODS_WITH_BODY
from api.viewsets import ResourceViewSet
from webhooks.destinations import Refused, check
from webhooks.events import TEST
from webhooks.filters import DeliveryFilter, WebhookFilter
from webhooks.models import Delivery, Webhook
from webhooks.queueing import put_back, replay
from webhooks.samples import event_types
from webhooks.serializers import DeliverySerializer, WebhookSerializer

SECRET_COLUMNS = ("sealed_secret", "secret_hint", "old_secrets")


class ReplaySerializer(serializers.Serializer[object]):
    """From when on to send everything again."""

    since = InstantField()


class EventTypeSerializer(serializers.Serializer[object]):
    """An event that can be named."""

    name = serializers.CharField()
    description = serializers.CharField()
    sample = serializers.DictField(help_text="The body that is sent of such an event.")


DELIVERY = representation_of(DeliverySerializer)


@dataclass(frozen=True)
class Deliveries:
    """What the paginator asks of a view."""

    list_name: str  # of one webhook: its cursors are of no other
    plural_key: ClassVar = "deliveries"
    representation: ClassVar = DELIVERY


WITH_SECRET = {
    "message": serializers.CharField(),
    "webhook": WebhookSerializer(),
    "secret": serializers.CharField(help_text="Shown this once."),
}
EVENTS_SHOWN: dict[str, AnyField] = {"event_types": EventTypeSerializer(many=True)}
DELIVERY_WRITTEN = written_envelope(DeliverySerializer, "delivery")


class WebhookViewSet(ResourceViewSet[Webhook]):
    """List, create, read, change and delete webhooks."""

    scope_resource = "webhooks"
    queryset = Webhook.objects.with_details()
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    url_refusal = ""

    @extend_schema(responses={201: inline_serializer("WebhookCreated", {**WITH_SECRET})})
    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Create a webhook: the response has its secret, this once.

        409 `too_many_webhooks` if you have 20.
        """
        return super().create(request, *args, **kwargs)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Judge the address too: to look up its name takes time, in which no row is locked."""
        super().initial(request, *args, **kwargs)
        data = request.data if request.method in METHODS_WITH_BODY else {}
        if isinstance(data, dict) and isinstance(url := data.get("url"), str):
            try:
                check(url)
            except Refused as refused:
                self.url_refusal = refused.message

    def query_parameters(self) -> Sequence[str]:
        """Return the filters and the page of a list, of deliveries too."""
        if self.action == "deliveries":
            return [*DeliveryFilter.base_filters, *PagePagination.parameters]
        return super().query_parameters()

    def _written(
        self,
        instance: Webhook,
        verb: str,
        status_code: int = status.HTTP_200_OK,
        note: str = "",
    ) -> Response:
        """Return the answer to a write; that to a creation has the secret, this once."""
        response = super()._written(instance, verb, status_code, note)
        return _with_secret(response, instance) if instance.shown_secret else response

    @extend_schema(responses=inline_serializer("EventTypeList", EVENTS_SHOWN))
    @action(detail=False, methods=["get"], url_path="event-types")
    def event_types(self, request: Request) -> Response:
        """List event types: those that can be named, each with a sample of what is sent."""
        return Response({"event_types": event_types()})

    @extend_schema(request=None, responses=DELIVERY_WRITTEN)
    @action(detail=True, methods=["post"], failures=(409,))
    def test(self, request: Request, pk: str) -> Response:
        """Send a test event: `webhook.test`, signed as any other.

        409 `webhook_inactive` while `active` is false.
        """
        refuse_unknown(request.data, known=())
        delivery = Delivery(webhook=self.get_object(), event=TEST)
        put_back(delivery)
        return self._delivery("The test is on its way", delivery)

    @extend_schema(request=None, responses=inline_serializer("SecretRotated", {**WITH_SECRET}))
    @action(detail=True, methods=["post"], url_path="rotate-secret", failures=(409,))
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Give the webhook a new secret: the old ones sign as well, each for 24 hours.

        If you lose the response, rotate again. That is possible four times within 24 hours; then
        it is 409 `too_many_secrets`, which says when the next is possible.
        """
        refuse_unknown(request.data, known=())
        with self.row_to_write(pk=pk) as webhook:
            webhook.rotate_secret(self.request.now)
            webhook.save(update_fields=[*SECRET_COLUMNS, "updated_at"])
        return self._written(webhook, "secret rotated")

    @extend_schema(responses=list_envelope(DeliverySerializer, "deliveries"))
    @action(detail=True, methods=["get"], filterset_class=DeliveryFilter)
    def deliveries(self, request: Request, pk: str) -> Response:
        """List deliveries of a webhook: the newest first, with each attempt."""
        webhook = self.get_object()
        filters = DeliveryFilter(request.query_params, webhook.deliveries.all(), request=request)
        if not filters.is_valid():
            raise ValidationError(filters.errors)
        paginator = PagePagination()
        page = paginator.paginate_queryset(
            filters.qs, request, Deliveries(f"deliveries of {webhook.pk}")
        )
        rows = [DELIVERY.of_row(row, self.request.caller) for row in page]
        return paginator.get_paginated_response(rows)

    @extend_schema(request=None, responses=DELIVERY_WRITTEN)
    @action(
        detail=True,
        methods=["post"],
        url_path="deliveries/(?P<delivery_id>[0-9]{1,18})/redeliver",
        failures=(409,),
    )
    def redeliver(self, request: Request, pk: str, delivery_id: str) -> Response:
        """Send a delivery again: with the same `webhook-id`.

        One that was delivered before is `delivered` again at the end, whatever the new attempts
        say. 409 `webhook_inactive` while `active` is false.
        """
        refuse_unknown(request.data, known=())
        webhook = self.get_object()
        delivery = webhook.deliveries.filter(pk=delivery_id).first()
        if delivery is None:
            raise NotFound(f"This webhook has no delivery with the id {delivery_id}.")
        put_back(delivery)
        return self._delivery("The delivery is on its way again", delivery)

    @extend_schema(
        request=ReplaySerializer,
        responses=inline_serializer(
            "Replay",
            {
                "message": serializers.CharField(),
                "first_seq": serializers.IntegerField(allow_null=True),
            },
        ),
    )
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Replay events: send again all since an instant, each with the `webhook-id` it had.

        Up to a minute more than was asked for is sent, also from before the webhook existed. What
        is older than the journal, 90 days unless the operator keeps more, cannot be sent.

        409 `webhook_inactive` while `active` is false.
        """
        webhook = self.get_object()
        refuse_unknown(request.data, known=("since",))
        asked = ReplaySerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        first = replay(webhook, asked.validated_data["since"])
        message = "Nothing has happened since" if first is None else "The replay has begun"
        return Response({"message": message, "first_seq": first})

    def _delivery(self, message: str, delivery: Delivery) -> Response:
        row = DELIVERY.row_of(delivery)
        shown = DELIVERY.of_row(row, self.request.caller)
        return Response({"message": message, "delivery": shown})


def _with_secret(response: Response, webhook: Webhook) -> Response:
    """Add the secret to an answer, but not to what is kept of it for an Idempotency-Key."""
    response.kept = response.data  # type: ignore[attr-defined]
    response.data = {**response.data, "secret": webhook.shown_secret}
    return response
