"""Random histories of three people, judged by a plain Python model after each step.

`HISTORIES=300 make test ARGS=tests/test_histories.py`, or `make fuzz`, tells longer ones.
"""

import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pytest_django import Settings

from apitokens.models import ApiToken
from projects.models import Project
from tests.support.factories import NINE, issue_token, make_administrator, make_project, make_user
from tests.support.following import Follower
from timeentries.models import TimeEntry
from users.models import User
from values.instants import format_instant
from values.instants import hours as hours_of

HISTORIES = int(os.environ.get("HISTORIES", "0"))
SCOPES = {"olga": ["*"], "carl": ["write:time_entries"], "ada": ["admin:all"]}
ENTRIES = "/api/v1/time-entries"
LONGEST_STEP = 600  # seconds that a step takes at most
LENGTH = settings(
    max_examples=HISTORIES or 10,
    stateful_step_count=50 if HISTORIES else 30,
    derandomize=not HISTORIES,  # the suite tells the same ones every time
    phases=[Phase.generate, Phase.shrink] if HISTORIES else [Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Person:
    """What the model knows of a user and the one token that he uses."""

    user: User
    administrator: bool
    scopes: list[str]
    secret: str = ""
    token: int = 0
    usable: bool = True

    def holds(self, resource: str) -> bool:
        """Return whether the token may read and write a resource."""
        privileged = self.administrator and {"*", "admin:all"} & set(self.scopes)
        return bool(privileged) or f"write:{resource}" in self.scopes


@dataclass
class Entry:
    """What the model knows of a time entry."""

    owner: str
    project: int
    start: str
    end: str | None
    notes: str
    rest: int = 0  # seconds of breaks
    paused: str | None = None

    def seconds(self) -> int:
        """Return the whole seconds from start to end."""
        return _seconds(self.start, self.end or "")

    def rest_at(self, end: str) -> int:
        """Return the breaks of a timer that is stopped: they leave it a second of work."""
        going_on = max(0, _seconds(self.paused, end)) if self.paused else 0
        return min(self.rest + going_on, _seconds(self.start, end) - 1)


@dataclass
class Model:
    """The whole service in three dictionaries; it judges as the contract says, in its order."""

    people: dict[str, Person]
    archived: dict[int, bool]
    entries: dict[int, Entry] = field(default_factory=dict)

    def judge_call(self, who: str, resource: str) -> int:
        """Return 401 or 403 for a token that may not, else 200."""
        person = self.people[who]
        if not person.usable:
            return 401
        return 200 if person.holds(resource) else 403

    def judge_entry(self, who: str, entry: int) -> int:
        """Return how a call that names an entry is judged."""
        if (status := self.judge_call(who, "time_entries")) != 200:
            return status
        if entry not in self.entries:
            return 404
        own = self.entries[entry].owner == who
        return 200 if own or self.people[who].administrator else 403

    def judge_timer(self, owner: str, project: int) -> int:
        """Return 409 if a timer of this owner cannot begin in this project."""
        return 409 if self.archived[project] or self.timer_of(owner) else 200

    def timer_of(self, owner: str) -> int | None:
        """Return the entry that is the owner's running timer."""
        running = (key for key, one in self.entries.items() if one.owner == owner and not one.end)
        return next(running, None)

    def visible_to(self, who: str) -> dict[int, Entry]:
        """Return the entries that a person may see."""
        everyone = self.people[who].administrator
        return {key: one for key, one in self.entries.items() if everyone or one.owner == who}


names = st.sampled_from(sorted(SCOPES))
projects = st.sampled_from([0, 1])
numbers = st.integers(0, 12)
hours = st.integers(-1, 3)
rarely = st.sampled_from([0, 0, 1])


class Histories(RuleBasedStateMachine):
    """Does to the service and to the model what hypothesis thinks of, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        people = {
            "olga": Person(make_administrator("olga"), administrator=True, scopes=SCOPES["olga"]),
            "carl": Person(make_user("carl"), administrator=False, scopes=SCOPES["carl"]),
            "ada": Person(make_administrator("ada"), administrator=True, scopes=SCOPES["ada"]),
        }
        self.projects = [make_project("Site").pk, make_project("Shop").pk]
        self.model = Model(people, dict.fromkeys(self.projects, False))
        for name in people:
            self.issue(name)
        self.addresses = 0
        self.follower = Follower(self.api_of("ada"), types="time_entry")
        for name in people:
            for project in (0, 1):
                self.create(name, name, project=project, begins=project, lasts=1)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    def api_of(self, who: str) -> Client:
        return Client(HTTP_AUTHORIZATION=f"Bearer {self.model.people[who].secret}")

    def call(self, who: str, method: str, path: str, **body: Any) -> Any:
        """Return the answer; each call comes from another address, for the failures' limit."""
        self.addresses += 1
        address = f"10.0.{self.addresses // 250}.{self.addresses % 250}"
        return self.api_of(who).generic(
            method, path, json.dumps(body) if body else "", "application/json", REMOTE_ADDR=address
        )

    def agree(self, response: Any, expected: int) -> dict[str, Any]:
        """Check the status, and return the body."""
        assert response.status_code == expected, response.content
        body: dict[str, Any] = response.json()
        assert ("error" in body) == (expected >= 400)
        return body

    def remember(self, shown: dict[str, Any]) -> None:
        """Take an entry over into the model as it was answered."""
        owner = next(
            name for name, one in self.model.people.items() if one.user.pk == shown["user_id"]
        )
        self.model.entries[shown["id"]] = Entry(
            owner,
            shown["project_id"],
            shown["start_time"],
            shown["end_time"],
            shown["notes"],
            shown["break_seconds"],
            shown["paused_at"],
        )

    def some_entry(self, number: int) -> int:
        """Return an entry, or at times an id that nobody has."""
        keys = sorted(self.model.entries)
        return keys[number % len(keys)] if keys and number else 999_999_999

    @rule(who=names, project=projects)
    def start(self, who: str, project: int) -> None:
        """Start a timer."""
        key, expected = self.projects[project], self.model.judge_call(who, "time_entries")
        if expected == 200:
            expected = self.model.judge_timer(who, key)
        expected = 201 if expected == 200 else expected
        body = self.agree(self.call(who, "POST", "/api/v1/timer/start", project_id=key), expected)
        if expected == 201:
            assert body["timer"]["active"]
            self.remember(body["timer"])
            assert self.model.timer_of(who) == body["timer"]["id"]

    @rule(who=names)
    def stop(self, who: str) -> None:
        """Stop the timer."""
        timer, expected = self.model.timer_of(who), self.model.judge_call(who, "time_entries")
        if expected == 200 and timer is None:
            expected = 400
        body = self.agree(self.call(who, "POST", "/api/v1/timer/stop"), expected)
        if expected == 200:
            assert body["time_entry"]["id"] == timer
            shown, before = body["time_entry"], self.model.entries[body["time_entry"]["id"]]
            assert shown["end_time"] > shown["start_time"]
            assert shown["break_seconds"] == before.rest_at(shown["end_time"])
            assert shown["paused_at"] is None
            self.remember(shown)
            after = self.model.entries[shown["id"]]
            assert shown["duration_seconds"] == after.seconds() - after.rest > 0

    @rule(who=names, resumed=st.booleans())
    def pause(self, who: str, resumed: bool) -> None:  # noqa: FBT001 - a value
        """Pause the timer, or resume it: only a paused one goes on, and with its break."""
        timer, expected = self.model.timer_of(who), self.model.judge_call(who, "time_entries")
        before = self.model.entries.get(timer or 0)
        if expected == 200 and before is None:
            expected = 400
        if expected == 200 and before and bool(before.paused) != resumed:
            expected = 409
        path = f"/api/v1/timer/{'resume' if resumed else 'pause'}"
        body = self.agree(self.call(who, "POST", path), expected)
        if expected == 200 and before:
            shown = body["time_entry"]
            assert shown["id"] == timer
            assert shown["active"]
            assert (shown["paused_at"] is None) == resumed
            lasted = shown["break_seconds"] - before.rest
            assert 0 <= lasted < LONGEST_STEP if resumed else lasted == 0
            self.remember(shown)

    @rule(who=names, number=numbers, rest=st.sampled_from([0, 600, 3600, 7200]))
    def rest(self, who: str, number: int, rest: int) -> None:
        """Change the breaks: those of a finished entry leave it a second of work."""
        key = self.some_entry(number)
        expected = self.model.judge_entry(who, key)
        if expected == 200 and rest and (entry := self.model.entries[key]).end:
            expected = 200 if rest < entry.seconds() else 400
        self.agree(self.call(who, "PATCH", f"{ENTRIES}/{key}", break_seconds=rest), expected)
        if expected == 200:
            self.model.entries[key].rest = rest

    @rule(who=names, owner=names, project=projects, begins=st.integers(0, 200), lasts=hours)
    def create(self, who: str, owner: str, project: int, begins: int, lasts: int) -> None:
        """Book a finished entry, one that ends before it starts, or (three hours) a timer."""
        model, key, start = self.model, self.projects[project], NINE + timedelta(hours=begins)
        end = None if lasts == 3 else format_instant(start + timedelta(hours=lasts))
        expected = model.judge_call(who, "time_entries")
        if expected == 200:
            expected = self._booked(who, owner, key, lasts)
        response = self.call(
            who,
            "POST",
            ENTRIES,
            user_id=model.people[owner].user.pk,
            project_id=key,
            start_time=format_instant(start),
            end_time=end,
        )
        body = self.agree(response, expected)
        if expected == 201:
            self.remember(body["time_entry"])
            assert model.entries[body["time_entry"]["id"]] == Entry(
                owner, key, format_instant(start), end, ""
            )

    def _booked(self, who: str, owner: str, project: int, lasts: int) -> int:
        if owner != who and not self.model.people[who].administrator:
            return 403
        if lasts in (-1, 0):
            return 400
        if lasts == 3:
            return 201 if self.model.judge_timer(owner, project) == 200 else 409
        return 409 if self.model.archived[project] else 201

    @rule(who=names, number=numbers, notes=st.sampled_from(["", "Draft", "ü\U0001f600"]))
    def edit(self, who: str, number: int, notes: str) -> None:
        """Change the notes: nothing else may change, and a stopped timer stays stopped."""
        key = self.some_entry(number)
        expected = self.model.judge_entry(who, key)
        self.agree(self.call(who, "PATCH", f"{ENTRIES}/{key}", notes=notes), expected)
        if expected == 200:
            self.model.entries[key].notes = notes

    @rule(who=names, number=numbers, project=projects)
    def move(self, who: str, number: int, project: int) -> None:
        """Move an entry; an archived project takes none."""
        key, target = self.some_entry(number), self.projects[project]
        expected = self.model.judge_entry(who, key)
        if expected == 200 and target != self.model.entries[key].project:
            expected = 409 if self.model.archived[target] else 200
        self.agree(self.call(who, "PUT", f"{ENTRIES}/{key}", project_id=target), expected)
        if expected == 200:
            self.model.entries[key].project = target

    @rule(who=names, number=numbers)
    def reopen(self, who: str, number: int) -> None:
        """Take the end away: a timer like any other."""
        key = self.some_entry(number)
        expected = self.model.judge_entry(who, key)
        if expected == 200 and (entry := self.model.entries[key]).end:
            expected = self.model.judge_timer(entry.owner, entry.project)
        self.agree(self.call(who, "PATCH", f"{ENTRIES}/{key}", end_time=None), expected)
        if expected == 200:
            self.model.entries[key].end = None

    @rule(who=names, number=numbers)
    def delete(self, who: str, number: int) -> None:
        """Delete an entry."""
        key = self.some_entry(number)
        expected = self.model.judge_entry(who, key)
        self.agree(self.call(who, "DELETE", f"{ENTRIES}/{key}"), expected)
        if expected == 200:
            del self.model.entries[key]

    @rule(who=names, project=projects, archived=st.booleans())
    def archive(self, who: str, project: int, archived: bool) -> None:  # noqa: FBT001 - a value
        """Archive a project, or bring it back."""
        key, expected = self.projects[project], self.model.judge_call(who, "projects")
        path = f"/api/v1/projects/{key}"
        if archived:
            self.agree(self.call(who, "DELETE", path), expected)
        else:
            self.agree(self.call(who, "PUT", path, status="active"), expected)
        if expected == 200:
            self.model.archived[key] = archived

    @rule(who=names, how=st.sampled_from(["revoke", "expire", "deactivate"]), really=rarely)
    def lose(self, who: str, how: str, really: int) -> None:
        """Revoke or expire the token, or deactivate its user; else give another token."""
        if not really:
            self.issue(who)
            return
        person, now = self.model.people[who], timezone.now()
        if how == "revoke":
            ApiToken.objects.filter(pk=person.token).revoke(now)
        elif how == "expire":
            ApiToken.objects.filter(pk=person.token).update(expires_at=now)
        else:
            User.objects.filter(pk=person.user.pk).update(is_active=False)
        person.usable = False

    def issue(self, who: str) -> None:
        """Issue another token to an active user."""
        person = self.model.people[who]
        User.objects.filter(pk=person.user.pk).update(is_active=True)
        token, person.secret = issue_token(person.user, *person.scopes)
        person.token, person.usable = token.pk, True

    @rule(administrator=st.booleans())
    def demote(self, administrator: bool) -> None:  # noqa: FBT001 - a value
        """Demote Olga, whose token then holds nothing, or promote her again."""
        olga = self.model.people["olga"]
        User.objects.filter(pk=olga.user.pk).update(is_superuser=administrator)
        olga.administrator = administrator

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        """Compare every column that the model knows, and count the timers."""
        names_of = {one.user.pk: name for name, one in self.model.people.items()}
        rows = {
            entry.pk: Entry(
                names_of[entry.user_id],
                entry.project_id,
                format_instant(entry.start_time),
                _shown(entry.end_time),
                entry.notes,
                entry.break_seconds,
                _shown(entry.paused_at),
            )
            for entry in TimeEntry.objects.all()
        }
        assert rows == self.model.entries
        archived = set(Project.objects.filter(status="archived").values_list("pk", flat=True))
        assert archived == {key for key, is_so in self.model.archived.items() if is_so}

    @rule(who=names, active=st.booleans())
    def look(self, who: str, active: bool) -> None:  # noqa: FBT001 - a value
        """A list holds what its reader may see, and counts it; the report adds it up."""
        expected = self.model.judge_call(who, "time_entries")
        path = f"{ENTRIES}?per_page=100&include_active={str(active).lower()}"
        body = self.agree(self.call(who, "GET", path), expected)
        if expected != 200:
            return
        seen = {key: one for key, one in self.model.visible_to(who).items() if active or one.end}
        assert body["pagination"]["total"] == len(seen)
        assert {one["id"] for one in body["time_entries"]} == set(seen)
        status = self.agree(self.call(who, "GET", "/api/v1/timer/status"), 200)
        assert (status["timer"] and status["timer"]["id"]) == self.model.timer_of(who)

    @rule()
    def report(self) -> None:
        """The report of an administrator adds up every finished entry."""
        expected = self.model.judge_call("ada", "reports")
        path = "/api/v1/reports/summary?start_date=2024-01-01&end_date=2100-01-01"
        body = self.agree(self.call("ada", "GET", path), expected)
        if expected == 200:
            finished = [one for one in self.model.entries.values() if one.end]
            seconds = sum(one.seconds() - one.rest for one in finished)
            assert body["summary"]["total_entries"] == len(finished)
            assert body["summary"]["total_hours"] == hours_of(seconds)

    @rule()
    def follow(self) -> None:
        """Whoever followed the feed from the beginning has the same rows."""
        if self.model.judge_call("ada", "time_entries") != 200:
            return
        self.follower.api = self.api_of("ada")
        self.follower.step()
        while self.follower.has_more:
            self.follower.step()
        names = ("project_id", "start_time", "end_time", "notes", "break_seconds", "paused_at")
        followed = {
            key: tuple(one[name] for name in names) for (_, key), one in self.follower.copy.items()
        }
        assert followed == {
            key: (one.project, one.start, one.end, one.notes, one.rest, one.paused)
            for key, one in self.model.entries.items()
        }


def _shown(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None


def _seconds(start: str, end: str) -> int:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) // timedelta(seconds=1)


def test_any_history_is_as_the_model_says(db: None, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 10**9
    run_state_machine_as_test(Histories, settings=LENGTH)
