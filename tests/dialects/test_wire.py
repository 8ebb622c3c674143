"""The apps' requests byte for byte, at the server that runs in production."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.dialects.originals import APPS, JSON, RIGHT, App
from tests.faults.harness import Service, serving
from tests.wire.database import database_of_this_leg
from tests.wire.line import Line, Reply

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(worker_id: str) -> Iterator[Service]:
    """The service, with a user who has a password and is ahead of UTC."""
    with database_of_this_leg(worker_id) as database, serving(database) as service:
        password = PBKDF2PasswordHasher().encode(RIGHT, "salt")
        for column, value in {"password": password, "time_zone": "Asia/Kathmandu"}.items():
            service.rows(f"UPDATE users_user SET {column} = '{value}' WHERE username = 'olga'")  # noqa: S608
        yield service


class Connected:
    """An app on a connection that it keeps, as all of them do."""

    def __init__(self, app: App, line: Line) -> None:
        self._app, self._line, self.token = app, line, ""

    def send(self, method: str, target: str, body: str = "") -> Reply:
        """Send a request as the app's library writes it, and return the answer."""
        headers = self._app.headers_of(method, has_body=bool(body), token=self.token)
        if body or method == "POST":  # all of them say that a POST has nothing
            headers["Content-Length"] = str(len(body.encode()))
        lines = [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, "", body])
        self._line.say(request.encode())
        return self._line.hear(method)


@pytest.mark.parametrize("app", APPS)
def test_a_day_with_an_app(service: Service, app: str) -> None:
    with Line(service.ports[0]) as line:
        connected = Connected(APPS[app], line)
        assert connected.send("GET", "/api/v1/info").json()["api_version"] == "v1"
        login = connected.send(
            "POST", "/api/v1/auth/login", f'{{"username":"Olga","password":"{RIGHT}"}}'
        )
        connected.token = login.json()["token"]
        status = connected.send("GET", "/api/v1/timer/status")
        assert status.json() == {
            "active": False,
            "timer": None,
            "idle_timeout_minutes": 30,
            "idle_notified": False,
        }

        start = f'{{"project_id":{service.project},"notes":"Anruf: Zürich"}}'
        timer = connected.send("POST", "/api/v1/timer/start", start).json()["timer"]
        assert (timer["project"], timer["notes"]) == ("Site", "Anruf: Zürich")
        assert timer["start_time"].endswith("Z") == (app != "mobile")

        sent = [
            connected.send("POST", f"/api/v1/timer/{change}")
            for change in ("heartbeat", "pause", "pause", "resume", "resume", "stop", "stop")
        ]
        assert [reply.status for reply in sent] == [204, 200, 400, 200, 400, 200, 400]
        codes = [reply.json()["error_code"] for reply in sent if reply.status == 400]
        assert codes == ["invalid_state", "invalid_state", "no_active_timer"]
        assert sent[0].body == b""

        listed = connected.send("GET", "/api/v1/time-entries?page=1&per_page=100")
        entry = listed.json()["time_entries"][0]
        assert (entry["id"], entry["user"], entry["source"]) == (timer["id"], "olga", "manual")
        deleted = connected.send("DELETE", f"/api/v1/time-entries/{entry['id']}")
        assert deleted.status == 200
        refused = connected.send("GET", "/api/v1/invoices?page=1")
        assert refused.status == 404
        assert refused.json()["error"] == "Module disabled: invoices is not part of this server"
        assert refused["Content-Type"] == JSON
        assert connected.send("POST", "/api/v1/auth/logout").status == 200
        assert connected.send("GET", "/api/v1/users/me").status == 401
