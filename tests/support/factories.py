"""Rows for tests: plain functions with fixed defaults, the same in each run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rest_framework.test import APIClient

from apitokens.models import SERVICE, ApiToken
from books.models import Books
from clients.models import Client
from projects.models import Project
from tasks.models import Task
from timeentries.models import TimeEntry
from users.models import User

NINE = datetime(2024, 1, 15, 9, tzinfo=UTC)


def make_user(username: str = "olga", **fields: Any) -> User:
    """A person without special rights, in the server's time zone (UTC)."""
    email = f"{username}@example.com"
    user: User = User.objects.create_user(username, email, "pass-word-1", **fields)
    return user


def make_administrator(username: str = "ada", **fields: Any) -> User:
    """An active superuser."""
    return make_user(username, is_superuser=True, is_staff=True, **fields)


def issue_token(user: User, *scopes: str, **fields: Any) -> tuple[ApiToken, str]:
    """A token of a user, with its secret.

    Issued as `ApiToken.issue` does, but for its validation, which takes longer than many tests.
    """
    name = fields.pop("name", f"token {ApiToken.objects.count() + 1}")
    token = ApiToken(user=user, name=name, scopes=list(scopes), **fields)
    secret = token.set_secret()
    token.save(force_insert=True)
    token.note_issue(SERVICE)
    return token, secret


def api_as(user: User, *scopes: str) -> APIClient:
    """An API client that sends a token of a user with these scopes."""
    _, secret = issue_token(user, *scopes)
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")


def make_client(name: str = "Fern & Sons", **fields: Any) -> Client:
    """A customer."""
    return Client.objects.create(name=name, **fields)


def make_project(name: str = "Site", **fields: Any) -> Project:
    """A project without a client."""
    return Project.objects.create(name=name, **fields)


@contextmanager
def before_archiving(project: Project) -> Iterator[None]:
    """What an archived project has was made before it was archived."""
    if project.status != "archived":
        yield
        return
    rows = Project.objects.filter(pk=project.pk)
    rows.update(status="active")
    yield
    rows.update(status="archived")


def make_task(project: Project, name: str = "Draft", **fields: Any) -> Task:
    """A task of a project."""
    with before_archiving(project):
        return Task.objects.create(project=project, name=name, **fields)


def make_entry(
    user: User,
    project: Project,
    start_time: datetime = NINE,
    lasting: timedelta | None = timedelta(hours=1),
    **fields: Any,
) -> TimeEntry:
    """An hour of work on 15 January 2024 at 9:00 UTC; a running timer with `lasting=None`."""
    end_time = None if lasting is None else start_time + lasting
    with before_archiving(project):
        return TimeEntry.objects.create(
            user=user, project=project, start_time=start_time, end_time=end_time, **fields
        )


def close_books(through: str | None) -> None:
    """Close the books through a day, or open them."""
    books = Books.current()
    books.closed_through = date.fromisoformat(through) if through else None
    books.save()
