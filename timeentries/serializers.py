"""Time entries on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.exceptions import AccessDenied
from api.serializers.base import ModelSerializer
from api.serializers.fields import (
    LOCAL_TIME,
    AlsoAccepted,
    DateField,
    InstantField,
    IntegerField,
    ReferenceField,
    Validated,
)
from api.serializers.representation import ComputedField, representation_of
from resources.refusals import Taken
from timeentries.breaks import seconds_worked
from timeentries.models import TimeEntry
from timeentries.placing import MOST_MINUTES, morning_of, placed
from timeentries.timer import running_timer
from users.models import User
from values.folding import normal
from values.instants import INSTANT, hours

MAX_TAGS = 50
MAX_TAG_LENGTH = 50
BY_DAY = ("date", "duration_minutes")
# What the duration is computed from.
INTERVAL = ("start_time", "end_time", "paused_at", "break_seconds")


def duration_seconds(
    start: datetime,
    end: datetime | None,
    paused_at: datetime | None = None,
    break_seconds: int = 0,
    *,
    now: datetime,
) -> int:
    """Return the seconds worked; of a timer until now, or until it was paused."""
    return seconds_worked(start, end or paused_at or now, break_seconds)


def duration_hours(
    start: datetime,
    end: datetime | None,
    paused_at: datetime | None = None,
    break_seconds: int = 0,
    *,
    now: datetime,
) -> float:
    """Return the hours worked, rounded to two decimals."""
    return hours(duration_seconds(start, end, paused_at, break_seconds, now=now))


def is_running(end: datetime | None) -> bool:
    """Return whether the timer is running."""
    return end is None


def is_billed(reference: str | None) -> bool:
    """Return whether the entry is billed."""
    return reference is not None


def tag_list(tags: str) -> list[str]:
    """Return the tags as a list."""
    return tags.split(",") if tags else []


@extend_schema_field({"type": "string"})
class TagsField(serializers.Field[str, object, str, TimeEntry]):
    """Tags as a comma-separated string, or as an array of strings."""

    also_accepted: AlsoAccepted = (
        "an array of tags, or null for none",
        {"type": ["array", "null"], "items": {"type": "string", "pattern": "^[^,]*$"}},
    )

    def run_validation(self, data: object = serializers.empty) -> str:
        """Validate, with null as no tags."""
        tags: str = super().run_validation("" if data is None else data)
        return tags

    def to_internal_value(self, data: object) -> str:
        """Return the tags trimmed, without empties and repeats, separated by commas."""
        if isinstance(data, list) and any(isinstance(tag, str) and "," in tag for tag in data):
            raise serializers.ValidationError("A tag must not contain a comma.")
        tags = data.split(",") if isinstance(data, str) else data
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise serializers.ValidationError('Must be "design,urgent" or ["design", "urgent"].')
        unique = list(dict.fromkeys(normal(tag.strip()) for tag in tags if tag.strip()))
        if len(unique) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in unique):
            raise serializers.ValidationError(
                f"Must be at most {MAX_TAGS} tags of at most {MAX_TAG_LENGTH} characters each."
            )
        return ",".join(unique)

    def to_representation(self, value: str) -> str:
        """Return the comma-separated string."""
        return value


class EndField(InstantField):
    """The end of an entry; null means that it is a running timer, and so does "" in a new one."""

    also_accepted: AlsoAccepted = (
        f"{LOCAL_TIME}; in a new entry, an empty string for null",
        {"type": "string", "pattern": f"^(?:{INSTANT.pattern})?$"},
    )

    def run_validation(self, data: object = serializers.empty) -> datetime | None:
        """Return the end; 400 for the empty text that would start a finished entry again."""
        if data == "":
            if self.parent.instance is not None:
                raise serializers.ValidationError(
                    "Send null to make this a running timer, or omit the field to keep the end."
                )
            data = None
        end: datetime | None = super().run_validation(data)
        return end


class OwnerField(ReferenceField[User]):
    """Whose entry it is; only administrators book for others."""

    def to_internal_value(self, data: object) -> User:
        """Return the user; 403 for another user's id, whether or not there is such a user."""
        user: User = self.context["request"].user
        if not user.is_superuser and str(data) != str(user.pk):
            raise AccessDenied("You can only log time for yourself.")
        return super().to_internal_value(data)


class TimeEntrySerializer(ModelSerializer[TimeEntry]):
    """A time entry, or a running timer while `end_time` is null.

    A new one may have a `date` and `duration_minutes` instead of its times.
    """

    created_with = BY_DAY
    user_id = OwnerField(source="user", queryset=User.objects.all(), required=False)
    user_name = serializers.CharField(source="user.username", read_only=True)
    project_name = serializers.CharField(source="project.name", read_only=True)
    task_name = serializers.CharField(source="task.name", allow_null=True, read_only=True)
    client_id = serializers.IntegerField(source="project.client_id", read_only=True)
    client_name = serializers.CharField(
        source="project.client.name", allow_null=True, read_only=True
    )
    end_time = EndField(
        required=False, allow_null=True, help_text="Null while the entry is a running timer."
    )
    date = DateField(
        write_only=True,
        required=False,
        help_text=(
            "With `duration_minutes`, instead of `start_time` and `end_time`: the entry ends now"
            " if the date is today and it fits since midnight; else it begins at 09:00, or after"
            " the last entry of the day, in the time zone of its user."
        ),
    )
    duration_minutes = IntegerField(
        write_only=True,
        required=False,
        min_value=1,
        max_value=MOST_MINUTES,
        help_text="The minutes worked on `date`, without breaks.",
    )
    tags = TagsField(
        required=False,
        help_text=(
            f"Separated by commas; at most {MAX_TAGS}, of at most {MAX_TAG_LENGTH} characters."
        ),
    )
    paused_at = InstantField(
        read_only=True, allow_null=True, help_text="Since when a timer is paused."
    )
    tag_list = ComputedField(tag_list, "tags")
    duration_seconds = ComputedField(duration_seconds, *INTERVAL, until_now=True)
    duration_hours = ComputedField(duration_hours, *INTERVAL, until_now=True)
    active = ComputedField(is_running, "end_time")
    amount = serializers.DecimalField(18, 4, read_only=True)
    billed = ComputedField(is_billed, "bill_id")
    billing_reference = serializers.CharField(source="bill_id", allow_null=True, read_only=True)

    class Meta:
        model = TimeEntry
        fields = [
            "id",
            "user_id",
            "user_name",
            "project_id",
            "project_name",
            "task_id",
            "task_name",
            "client_id",
            "client_name",
            "start_time",
            "end_time",
            *BY_DAY,
            "break_seconds",
            "paused_at",
            "duration_seconds",
            "duration_hours",
            "active",
            "notes",
            "tags",
            "tag_list",
            "billable",
            "hourly_rate",
            "currency",
            "rounded_seconds",
            "amount",
            "billed",
            "billing_reference",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]
        extra_kwargs: ClassVar[dict[str, dict[str, object]]] = {
            "start_time": {
                "required": False,
                "help_text": "Required in a new entry that has no `date`.",
            }
        }

    def to_internal_value(self, data: Mapping[str, object]) -> Validated:
        """Return the values to write; a new entry has a start or a day."""
        if start := self.fields.get("start_time"):
            start.required = not any(name in data for name in BY_DAY)
        return super().to_internal_value(data)

    def validate(self, attrs: Validated) -> Validated:
        """Refuse a task of another project, as the database does, with the field's name."""
        task = attrs.get("task", self.instance and self.instance.task)
        project = attrs.get("project", self.instance and self.instance.project)
        if task and project and task.project_id != project.pk:
            raise serializers.ValidationError(
                {"task_id": [f"This task belongs to project {task.project_id}."]}
            )
        if any(name in attrs for name in BY_DAY):
            self._check_day(attrs)
        return attrs

    def _check_day(self, attrs: Validated) -> None:
        """Refuse a day without minutes or beside times, and one that has no morning."""
        for name in BY_DAY:
            if name not in attrs:
                raise serializers.ValidationError(
                    {name: [f"Required, because {' and '.join(BY_DAY)} go together."]}
                )
        sentence = "Send either the times, or date and duration_minutes."
        if found := [name for name in ("start_time", "end_time") if name in attrs]:
            raise serializers.ValidationError({name: [sentence] for name in found})
        try:
            morning_of(attrs["date"], attrs.get("user", self.context["request"].user))
        except ValueError as error:
            raise serializers.ValidationError({"date": [str(error)]}) from error

    def shows_id(self, taken: Taken) -> bool:
        """Return whether a 409 has the id of the row in the way: of a timer it has all."""
        return taken.code != "timer_already_running"

    def show_row_in_the_way(self, taken: Taken) -> None:
        """Show the timer that is in the way, or the id of the entry that is."""
        if self.shows_id(taken):
            super().show_row_in_the_way(taken)
        else:
            taken.shown["timer"] = self._timer()

    def _owner(self) -> User:
        """Return whose entry it was to become."""
        before = self.instance.user if self.instance else self.context["request"].user
        owner: User = self.validated_data.get("user", before)
        return owner

    def _timer(self) -> dict[str, object] | None:
        """Return the timer that is in the way, unless it has just been stopped."""
        representation = representation_of(TimeEntrySerializer)
        timers = representation.of(running_timer(self._owner()), self.context["request"].caller)
        return timers[0] if timers else None

    def made_of(self, rows: Sequence[dict[str, object]]) -> list[TimeEntry]:
        """Return new entries, the caller's unless they say so."""
        request = self.context["request"]
        owned: list[Validated] = [{"user": request.user, **row} for row in rows]
        if not any("date" in row for row in owned):
            return super().made_of(owned)
        places = placed(owned, now=request.now)
        for row, place in zip(owned, places, strict=True):
            if place:
                del row["date"], row["duration_minutes"]
                row |= {"start_time": place.start, "end_time": place.end}
        entries = super().made_of(owned)
        for entry, place in zip(entries, places, strict=True):
            entry.unplaced = place and place.refusal
        return entries


class ConsideredRateSerializer(serializers.Serializer[object]):
    """A rate that was considered for a time entry."""

    id = serializers.IntegerField()
    user_id = serializers.IntegerField(allow_null=True)
    client_id = serializers.IntegerField(allow_null=True)
    project_id = serializers.IntegerField(allow_null=True)
    hourly_rate = serializers.FloatField(allow_null=True)
    valid_from = serializers.DateField(allow_null=True)
    outcome = serializers.ChoiceField(
        ["used", "less_specific", "superseded", "not_yet_valid", "no_rate"]
    )


class AppliedRoundingSerializer(serializers.Serializer[object]):
    """How the time of an entry is rounded."""

    minutes = serializers.IntegerField()
    mode = serializers.CharField()


class ExplainedRateSerializer(serializers.Serializer[object]):
    """The price of a time entry, with the rates that were considered."""

    rate_id = serializers.IntegerField(allow_null=True)
    hourly_rate = serializers.FloatField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    rounded_seconds = serializers.IntegerField(allow_null=True)
    amount = serializers.FloatField(allow_null=True)
    day = serializers.DateField(
        allow_null=True, help_text="The day on which the rate must be valid, in its owner's zone."
    )
    rounding = AppliedRoundingSerializer(allow_null=True)
    reason = serializers.CharField()
    considered = ConsideredRateSerializer(many=True)


class TimerStartSerializer(TimeEntrySerializer):
    """The fields of a new timer."""

    class Meta(TimeEntrySerializer.Meta):
        fields = ["project_id", "task_id", "notes", "tags", "billable"]


class TimerStopSerializer(serializers.Serializer[object]):
    """When a timer ends."""

    stop_time = InstantField(
        required=False, help_text="From the start of the timer to now; now if it is left out."
    )
