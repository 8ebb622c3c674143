"""Webhooks and their deliveries on the wire."""

from collections.abc import Mapping, Sequence

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers.base import ModelSerializer
from api.serializers.fields import TextField, Validated, id_of
from api.suggestions import shortened
from apitokens.permissions import InsufficientScope
from apitokens.scopes import allows
from projects.models import Project
from registry.declared import viewsets_by_key
from webhooks.events import ALL, EVENT_TYPES, opened_by
from webhooks.models import Delivery, Webhook

MOST_PROJECTS = 100
JUDGED_ONCE = ("url", "events", "project_ids")


class EventsField(serializers.ListField):
    """The names of events, or `["*"]` for all."""

    child = TextField()

    def to_internal_value(self, data: list[object]) -> list[str]:
        """Return the names, each once; 403 for one whose kind the token may not read."""
        names: list[str] = list(dict.fromkeys(super().to_internal_value(data)))
        if not names:
            raise serializers.ValidationError('Name at least one event, or send ["*"] for all.')
        for name in names:
            if name != ALL and name not in EVENT_TYPES:
                raise serializers.ValidationError(
                    f"Unknown event {shortened(name)}. Accepted: {', '.join(EVENT_TYPES)}, or *."
                )
        if ALL in names and len(names) > 1:
            raise serializers.ValidationError('Send ["*"] alone: it stands for all events.')
        self._check_scopes(names)
        return names

    def _check_scopes(self, names: Sequence[str]) -> None:
        available = self.context["request"].auth.effective_scopes()
        for kind in sorted(opened_by(names)):
            scope = f"read:{viewsets_by_key()[kind].scope_resource}"
            if not allows(available, scope):
                raise InsufficientScope(scope, available)


class ProjectIdsField(serializers.ListField):
    """The ids of projects; none means all."""

    child = serializers.IntegerField()

    def to_internal_value(self, data: object) -> list[int]:
        """Return the ids, each once; 400 for one of no project."""
        if not isinstance(data, list):
            raise serializers.ValidationError("Give a list of ids.")
        if len(data) > MOST_PROJECTS:
            raise serializers.ValidationError(f"Give at most {MOST_PROJECTS} ids.")
        ids = list(dict.fromkeys(map(id_of, data)))
        there = {*Project.objects.filter(pk__in=ids).values_list("pk", flat=True)}
        for pk in ids:
            if pk not in there:
                raise serializers.ValidationError(f"There is no project with the id {pk}.")
        return ids


class WebhookSerializer(ModelSerializer[Webhook]):
    """A webhook."""

    events = EventsField()
    project_ids = ProjectIdsField(required=False)
    owner_id = serializers.IntegerField(source="user_id", read_only=True)
    owner_name = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = Webhook
        fields = [
            "id",
            "url",
            "description",
            "events",
            "project_ids",
            "active",
            "owner_id",
            "owner_name",
            "disabled_reason",
            "disabled_at",
            "last_delivered_at",
            "last_failed_at",
            "secret_hint",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]

    def to_internal_value(self, data: Mapping[str, object]) -> Validated:
        """Return the values to write; what was sent back as it is, was judged when it came."""
        before = self.instance
        judged = {
            name: value
            for name, value in data.items()
            if not (before and name in JUDGED_ONCE and value == getattr(before, name))
        }
        return super().to_internal_value(judged)

    def validate_url(self, url: str) -> str:
        """Refuse what the view found to be no place to send to, before any row was locked."""
        if refusal := getattr(self.context.get("view"), "url_refusal", ""):
            raise serializers.ValidationError(refusal)
        return url

    def made_of(self, rows: Sequence[Validated]) -> list[Webhook]:
        """Return new webhooks of the caller."""
        user = self.context["request"].user
        return super().made_of([{"user": user, **row} for row in rows])


class AttemptSerializer(serializers.Serializer[object]):
    """One attempt to send a delivery."""

    at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="The receiver's.")
    error = serializers.CharField(allow_null=True, help_text="Why it failed.")
    answer = serializers.CharField(
        help_text="The beginning of what the receiver answered, a stranger's text: escape it."
    )


@extend_schema_field(AttemptSerializer(many=True))
class AttemptsField(serializers.JSONField):
    """The attempts as they are stored."""


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event for one webhook, and each attempt to send it, the oldest first."""

    attempts = AttemptsField(read_only=True)

    class Meta:
        model = Delivery
        fields = [
            "id",
            "message_id",
            "event",
            "seq",
            "object_id",
            "state",
            "attempts",
            "next_attempt_at",
            "created_at",
            "delivered_at",
        ]
        read_only_fields = fields
