from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from projects.models import Project
from tests.support.clock import Clock
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_entry, make_project
from users.models import User

pytestmark = pytest.mark.usefixtures("clock")

HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
UNKNOWN = "tt_" + "0" * 32


def limit_of(response: HttpResponse) -> tuple[int, int]:
    """The limit and what is left of it."""
    return int(response["X-RateLimit-Limit"]), int(response["X-RateLimit-Remaining"])


def throttled(seconds: int) -> dict[str, Any]:
    """The members of a 429."""
    return {
        "error": "Rate limit exceeded",
        "message": f"Request was throttled. Expected available in {seconds} seconds.",
        "error_code": "rate_limited",
    }


@pytest.fixture
def api(owner: User) -> APIClient:
    """The owner, with a token for projects."""
    return api_as(owner, "read:projects")


def at_the_start_of_an_hour(api: APIClient, clock: Clock, settings: Settings) -> None:
    """Move the clock to where a minute and an hour begin together."""
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 900, 800
    clock.now = int(api.get("/api/v1/projects")["X-RateLimit-Reset"])


def test_an_answer_tells_what_is_left(api: APIClient, clock: Clock) -> None:
    first, second = api.get("/api/v1/projects"), api.get("/api/v1/projects")
    assert (limit_of(first), limit_of(second)) == ((100, 99), (100, 98))
    reset = int(first["X-RateLimit-Reset"])
    assert int(clock.now) < reset <= int(clock.now) + 60
    assert int(second["X-RateLimit-Reset"]) == reset


def test_the_request_over_the_limit_is_429_until_the_reset(
    api: APIClient, clock: Clock, settings: Settings
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE = 2
    clock.now += 5.5
    assert [api.get("/api/v1/projects").status_code for _ in range(2)] == [200, 200]
    refused = api.get("/api/v1/projects")
    assert refused.status_code == 429
    assert error_of(refused) == throttled(55)
    assert refused["Retry-After"] == "55"
    assert limit_of(refused) == (2, 0)
    reset = int(refused["X-RateLimit-Reset"])
    assert reset == int(clock.now) + 55
    clock.now = reset - 0.01
    assert api.get("/api/v1/projects").status_code == 429
    clock.now = reset
    assert api.get("/api/v1/projects").status_code == 200


def test_what_the_minute_refuses_does_not_use_up_the_hour(
    api: APIClient, clock: Clock, settings: Settings
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 2, 5
    statuses = []
    for _ in range(3):
        statuses += [api.get("/api/v1/projects").status_code for _ in range(4)]
        clock.now += 60
    assert statuses == [200, 200, 429, 429, 200, 200, 429, 429, 200, 429, 429, 429]


def test_the_hour_refuses_until_its_own_reset(
    api: APIClient, clock: Clock, settings: Settings
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_HOUR = 2
    start = clock.now
    assert [api.get("/api/v1/projects").status_code for _ in range(2)] == [200, 200]
    clock.now += 600
    refused = api.get("/api/v1/projects")
    assert refused.status_code == 429
    assert error_of(refused) == throttled(3000)
    assert refused["Retry-After"] == "3000"
    assert limit_of(refused) == (2, 0)
    assert int(refused["X-RateLimit-Reset"]) == start + 3600
    clock.now = start + 3600
    assert api.get("/api/v1/projects").status_code == 200


def test_the_status_of_the_timer_is_limited_by_the_minute_alone(
    owner: User, clock: Clock, settings: Settings
) -> None:
    api = api_as(owner, "read:time_entries", "read:projects")
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 5, 3

    def statuses(path: str, times: int) -> list[int]:
        return [api.get(f"/api/v1/{path}").status_code for _ in range(times)]

    assert statuses("timer/status", 6) == [*[200] * 5, 429]
    clock.now += 60
    assert statuses("projects", 4) == [200, 200, 200, 429]
    polled = api.get("/api/v1/timer/status")
    assert polled.status_code == 200
    assert limit_of(polled) == (3, 0)  # of the hour, which other requests must wait for
    assert statuses("timer/status", 1) == [429]  # six requests in this minute
    clock.now += 60
    assert [*statuses("timer/status", 5), *statuses("projects", 1)] == [*[200] * 5, 429]


@pytest.mark.parametrize(
    ("per_minute", "per_hour", "shown", "resets_in"),
    [
        pytest.param(5, 9, (5, 4), 60, id="the minute has less left"),
        pytest.param(9, 5, (5, 4), 3600, id="the hour has less left"),
        pytest.param(5, 5, (5, 4), 3600, id="as much left in both: the longer one"),
    ],
)
def test_the_tighter_window_is_shown(
    api: APIClient,
    clock: Clock,
    settings: Settings,
    per_minute: int,
    per_hour: int,
    shown: tuple[int, int],
    resets_in: int,
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = per_minute, per_hour
    response = api.get("/api/v1/projects")
    assert limit_of(response) == shown
    assert int(response["X-RateLimit-Reset"]) == clock.now + resets_in


def test_the_hour_is_shown_once_it_is_the_tighter_one(
    api: APIClient, clock: Clock, settings: Settings
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 3, 5
    shown = []
    for _ in range(2):
        shown += [limit_of(api.get("/api/v1/projects")) for _ in range(2)]
        clock.now += 60
    assert shown == [(3, 2), (3, 1), (5, 2), (5, 1)]


def test_a_wait_for_both_windows_is_for_the_longer_one(
    api: APIClient, clock: Clock, settings: Settings
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 1
    assert api.get("/api/v1/projects").status_code == 200
    refused = api.get("/api/v1/projects")
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")


def test_what_is_unchanged_counts_for_the_minute_only(
    api: APIClient, clock: Clock, settings: Settings
) -> None:
    at_the_start_of_an_hour(api, clock, settings)
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 4, 4
    project = make_project()
    path = f"/api/v1/projects/{project.pk}"
    tag = api.get(path)["ETag"]  # 3 and 3 left
    unchanged = [api.get(path, headers={"If-None-Match": tag}) for _ in range(3)]
    assert {response.status_code for response in unchanged} == {304}
    assert limit_of(unchanged[-1]) == (4, 0)
    assert api.get(path, headers={"If-None-Match": tag}).status_code == 429
    clock.now += 60
    assert limit_of(api.get(path, headers={"If-None-Match": tag})) == (4, 3)
    changed = api.get(path, headers={"If-None-Match": '"0"'})
    assert (changed.status_code, limit_of(changed)) == (200, (4, 2))
    clock.now += 60
    missing = api.get("/api/v1/projects/999", headers={"If-None-Match": tag})
    assert (missing.status_code, limit_of(missing)) == (404, (4, 1))
    assert limit_of(api.get(path)) == (4, 0)
    assert api.get(path, headers={"If-None-Match": tag}).status_code == 429


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        pytest.param("get", "projects", None, 200, id="200"),
        pytest.param("head", "projects", None, 200, id="HEAD"),
        pytest.param("options", "projects", None, 200, id="OPTIONS"),
        pytest.param("post", "projects", {"name": "New"}, 201, id="201"),
        pytest.param("post", "projects", {}, 400, id="400"),
        pytest.param("get", "projects?colour=red", None, 400, id="400 of the query"),
        pytest.param("get", "clients", None, 403, id="403"),
        pytest.param("get", "time-entries/1", None, 403, id="403 before 404"),
        pytest.param("get", "projects/999", None, 404, id="404"),
        pytest.param("delete", "projects", None, 405, id="405"),
    ],
)
def test_every_status_counts(
    owner: User, method: str, path: str, data: object, status: int
) -> None:
    api = api_as(owner, "write:projects")
    response = getattr(api, method)(f"/api/v1/{path}", data, format="json")
    assert response.status_code == status
    assert limit_of(response) == (100, 99)
    assert limit_of(api.get("/api/v1/projects")) == (100, 98)


def test_an_unreadable_body_counts(owner: User) -> None:
    api = api_as(owner, "write:projects")
    statuses = [
        api.post("/api/v1/projects", body, content_type=content_type).status_code
        for body, content_type in [
            ("{", "application/json"),
            ("name=New", "application/x-www-form-urlencoded"),
            ("[" + " " * 1024 * 1024 + "]", "application/json"),
        ]
    ]
    assert statuses == [400, 415, 413]
    assert limit_of(api.get("/api/v1/projects")) == (100, 96)


def test_anothers_entry_counts(owner: User, colleague: User, project: Project) -> None:
    entry = make_entry(colleague, project)
    response = api_as(owner, "read:time_entries").get(f"/api/v1/time-entries/{entry.pk}")
    assert (response.status_code, limit_of(response)) == (403, (100, 99))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/info",
        "/api/v1/health",
        "/api/docs",
        "/api/redoc",
        "/api/openapi.json",
        "/api/v1/nothing",
    ],
)
def test_public_pages_are_not_counted(api: APIClient, path: str) -> None:
    response = api.get(path)
    assert [header for header in HEADERS if header in response] == []
    assert limit_of(api.get("/api/v1/projects")) == (100, 99)


def test_each_token_has_its_own_counters(owner: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    one, other = api_as(owner, "read:projects"), api_as(owner, "read:projects")
    assert one.get("/api/v1/projects").status_code == 200
    assert one.get("/api/v1/projects").status_code == 429
    assert other.get("/api/v1/projects").status_code == 200


def test_without_a_token_nothing_is_said_of_limits(db: None) -> None:
    for api in (APIClient(), APIClient(HTTP_X_API_KEY=UNKNOWN)):
        response = api.get("/api/v1/projects")
        assert response.status_code == 401
        assert [header for header in HEADERS if header in response] == []


def test_the_limit_is_judged_before_method_and_scope(owner: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    api = api_as(owner, "read:projects")
    api.get("/api/v1/projects")
    assert api.delete("/api/v1/projects").status_code == 429
    assert api.get("/api/v1/clients").status_code == 429
    assert api.post("/api/v1/projects", "{", content_type="application/json").status_code == 429


def refusals(client: APIClient, times: int, **headers: Any) -> list[int]:
    """The statuses of a few calls."""
    return [client.get("/api/v1/projects", **headers).status_code for _ in range(times)]


def test_refused_credentials_are_429_after_30_a_minute_from_one_address(
    db: None, clock: Clock
) -> None:
    thief = APIClient(HTTP_AUTHORIZATION=f"Bearer {UNKNOWN}")
    assert refusals(thief, 30) == [401] * 30
    refused = thief.get("/api/v1/projects")
    assert refused.status_code == 429
    wait = int(refused["Retry-After"])
    assert 1 <= wait <= 60
    assert error_of(refused) == throttled(wait)
    clock.now += wait - 1
    assert refusals(thief, 1) == [429]
    clock.now += 1
    assert refusals(thief, 1) == [401]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"expires_at": timezone.now() - timedelta(days=1)}, id="expired"),
        pytest.param({"revoked_at": timezone.now()}, id="revoked"),
    ],
)
def test_refused_tokens_count_as_unknown_ones_do(owner: User, fields: dict[str, Any]) -> None:
    token, secret = issue_token(owner, "read:projects")
    ApiToken.objects.filter(pk=token.pk).update(**fields)
    client = APIClient(HTTP_X_API_KEY=secret)
    assert refusals(client, 31) == [401] * 30 + [429]


def test_malformed_credentials_count_and_missing_ones_do_not(db: None) -> None:
    nobody = APIClient()
    assert refusals(nobody, 40) == [401] * 40
    malformed = APIClient(HTTP_AUTHORIZATION="Bearer nonsense")
    assert refusals(malformed, 31) == [401] * 30 + [429]
    assert refusals(nobody, 1) == [401]


def test_a_valid_token_passes_where_others_are_refused(api: APIClient) -> None:
    thief = APIClient(HTTP_AUTHORIZATION=f"Bearer {UNKNOWN}")
    assert refusals(thief, 31)[-1] == 429
    response = api.get("/api/v1/projects")
    assert (response.status_code, limit_of(response)) == (200, (100, 99))


@pytest.mark.parametrize(
    ("other_address", "status"),
    [
        pytest.param("2001:db8:0:1::ffff", 429, id="the same IPv6 /64"),
        pytest.param("2001:db8:0:2::1", 401, id="another IPv6 /64"),
        pytest.param("203.0.113.9", 401, id="an IPv4 address"),
    ],
)
def test_refusals_are_counted_by_address(db: None, other_address: str, status: int) -> None:
    thief = APIClient(HTTP_AUTHORIZATION=f"Bearer {UNKNOWN}")
    assert refusals(thief, 31, REMOTE_ADDR="2001:db8:0:1::1")[-1] == 429
    assert refusals(thief, 1, REMOTE_ADDR=other_address) == [status]


def test_refusals_without_an_address_are_answered(db: None) -> None:
    thief = APIClient(HTTP_AUTHORIZATION=f"Bearer {UNKNOWN}")
    assert refusals(thief, 1, REMOTE_ADDR="") == [401]
