"""Users of the original."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from moving.original.clock import utc_time
from moving.original.passwords import django_hash
from moving.original.report import ImportReport
from moving.original.source import Row, Source
from moving.original.texts import Noted, free_name
from users.models import User
from values.wall_clock import zone_names

TABLE = "users"
COLUMNS = (
    *("id", "username", "email", "full_name", "role", "is_active", "password_hash"),
    *("timezone", "created_at", "last_login", "portal_only", "client_portal_enabled", "client_id"),
    *("two_factor_enabled", "password_change_required"),
)
ADMINISTRATORS = ("admin", "super_admin")
LONGEST_EMAIL = 254


@dataclass
class People:
    """The users, by their ids, and what is to be said of them."""

    users: dict[int, User] = field(default_factory=dict)
    two_factor: list[str] = field(default_factory=list)
    must_change: list[str] = field(default_factory=list)

    @property
    def ordinary(self) -> list[User]:
        """Those who can log in and are not administrators."""
        return [each for each in self.users.values() if each.is_active and not each.is_superuser]


def read_people(source: Source, report: ImportReport, *, zone: str, now: datetime) -> People:
    """Return the users, with their passwords; those without one get none."""
    people, administrators, taken = People(), {*_administrators(source)}, set[str]()
    for row in source.rows(TABLE, COLUMNS):
        user = _user(row, report, taken, zone=zone, now=now)
        is_administrator = row[4] in ADMINISTRATORS or user.pk in administrators
        user.is_superuser = user.is_staff = is_administrator
        user.is_active = _is_active(row, report, is_administrator=is_administrator)
        people.users[user.pk] = user
        if user.is_active and row[13]:
            people.two_factor.append(user.username)
        if user.is_active and row[14]:
            people.must_change.append(user.username)
    return people


def _administrators(source: Source) -> Iterator[int]:
    """Yield the ids of users with a role of administrators in the table of roles."""
    if source.has("user_roles", "user_id", "role_id") and source.has("roles", "id", "name"):
        found = source.ask(
            "SELECT user_id FROM user_roles JOIN roles ON roles.id = user_roles.role_id"
            " WHERE roles.name IN ('admin', 'super_admin')"
        )
        yield from (user_id for (user_id,) in found)


def _user(row: Row, report: ImportReport, taken: set[str], *, zone: str, now: datetime) -> User:
    key, username, email, full_name, _, _, password, own_zone, created, last_login, *_ = row
    first, _, last = Noted(report, TABLE, key, "full_name").text(full_name, 300).partition(" ")
    return User(
        id=key,
        username=_username(key, username, report, taken),
        email=_email(key, email, report),
        first_name=first[:150],
        last_name=last.strip()[:150],
        password=_password(key, password, report),
        time_zone=_zone(key, own_zone, report, zone),
        date_joined=utc_time(created) or now,
        last_login=utc_time(last_login),
    )


def _username(key: int, stored: object, report: ImportReport, taken: set[str]) -> str:
    """Return the name in lower case: the original lowers what is typed, too."""
    text = Noted(report, TABLE, key, "username").text(stored, 140) or f"user-{key}"
    name = free_name(text.lower(), taken, str.lower, "{}-{}")
    taken.add(name)
    if name != stored:
        reason = "Names are in lower case, as logins always were, and unique without regard to it."
        report.renamed(TABLE, key, reason, str(stored), name)
    return name


def _email(key: int, stored: object, report: ImportReport) -> str:
    cell = Noted(report, TABLE, key, "email")
    return valid_email(stored, cell)


def valid_email(stored: object, cell: Noted) -> str:
    """Return an email address, or nothing for what is none."""
    text = cell.text(stored, LONGEST_EMAIL)
    try:
        if text:
            validate_email(text)
    except ValidationError:
        cell.changed("This is not an email address.", text, "")
        return ""
    return text


def _password(key: int, stored: object, report: ImportReport) -> str:
    encoded = django_hash(str(stored)) if stored else None
    if encoded is not None:
        return encoded
    reason = (
        "The password is hashed in a way that cannot be verified here. Set another."
        if stored
        else "There is no password (OIDC, LDAP, or none). Set one, or issue a token."
    )
    report.left_out(TABLE, key, reason, "password")
    return make_password(None)


def _zone(key: int, stored: object, report: ImportReport, zone: str) -> str:
    """Return the user's zone; that of the original for all others, in which they meant times."""
    if not stored:
        return zone
    if stored in zone_names():
        return str(stored)
    cell = Noted(report, TABLE, key, "timezone")
    cell.changed("This time zone is unknown.", stored, zone)
    return zone


def _is_active(row: Row, report: ImportReport, *, is_administrator: bool) -> bool:
    """Return whether a user may log in: not those who saw nothing but a client's portal."""
    if not row[5]:
        return False
    is_of_portal = row[10] if row[10] is not None else bool(row[11] and row[12])
    if is_of_portal and not is_administrator:
        reason = "A user of the client portal would see all clients and projects: deactivated."
        report.changed(TABLE, row[0], reason, "is_active", True, False)  # noqa: FBT003 - a value
        return False
    return True
