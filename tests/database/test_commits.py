"""A commit that is not confirmed ends, and its outcome is called unknown.

The standby that is away is in tests/faults/standby_away.py; here the commit itself takes long.
"""

from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest

from api.exceptions import exception_handler
from database.postgresql import commits

SLEEPS = """
CREATE FUNCTION pg_temp.sleeps() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
CREATE TEMPORARY TABLE slow (id integer);
CREATE CONSTRAINT TRIGGER sleeps AFTER INSERT ON slow
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.sleeps()
"""

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite waits for no other"),
]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(commits.Connection, "serves", True)
    monkeypatch.setattr(commits.Connection, "_hasty_until", 0.0)
    monkeypatch.setattr(commits, "COMMIT_SECONDS", 0.3)
    monkeypatch.setattr(commits, "STATEMENT_SECONDS", 0.3)
    yield
    connection.close()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def commit_slowly() -> None:
    with transaction.atomic():
        execute("INSERT INTO slow VALUES (1)")


def commit_slowly_alone() -> None:
    execute("INSERT INTO slow VALUES (1)")


@pytest.mark.parametrize("write", [commit_slowly, commit_slowly_alone])
def test_a_commit_ends_and_the_next_request_is_well(write: Callable[[], None]) -> None:
    execute(SLEEPS)
    with pytest.raises(OperationalError) as caught:
        write()
    assert isinstance(caught.value.__cause__, commits.CommitUnconfirmed)
    connection.close_if_unusable_or_obsolete()  # as each request begins
    execute("SELECT 1")


def test_the_answer_says_to_send_it_again() -> None:
    execute(SLEEPS)
    with pytest.raises(OperationalError) as caught:
        commit_slowly()
    response = exception_handler(caught.value, {"request": HttpRequest()})
    assert response is not None
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "same Idempotency-Key" in response.data["message"]  # type: ignore[attr-defined]


def test_a_statement_within_a_transaction_has_the_limit_of_the_server_only() -> None:
    with transaction.atomic():
        execute("SELECT pg_sleep(0.8)")


def test_a_commit_that_is_broken_by_the_server_is_unknown() -> None:
    execute(SLEEPS.replace("pg_sleep(30)", "pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(OperationalError) as caught:
        commit_slowly()
    assert isinstance(caught.value.__cause__, commits.CommitUnconfirmed)
