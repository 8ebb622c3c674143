"""Tokens in the admin: listed, filtered and found."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apitokens.models import ApiToken, TokenUsage
from tests.support.admin import admin_as, rows_of
from tests.support.factories import issue_token, make_administrator, make_user
from tests.support.token_pages import LIST
from users.models import User


def make_token_of_each_state(boss: User) -> None:
    """A token in each state, of users named after them."""
    now = timezone.now()
    day = timedelta(days=1)
    scopes = ["write:time_entries", "read:projects", "read:tasks", "read:clients", "read:users"]
    desktop, _ = issue_token(
        make_user("active"), *scopes, name="Desktop", expires_at=now + 6.5 * day
    )
    today = now.date()
    for before, scope, calls in ((0, "a", 1000), (29, "a", 200), (29, "b", 34), (30, "a", 9)):
        TokenUsage.objects.create(
            token=desktop, day=today - before * day, scope=scope, calls=calls
        )
    issue_token(make_user("expired"), "read:tasks", name="Export", expires_at=now + day)
    issue_token(make_user("revoked"), "read:tasks", "read:users", name="Laptop")
    issue_token(make_user("inactive"), "read:clients", name="Phone")
    issue_token(boss, "admin:all", "read:tasks", name="Dashboard")
    tokens = ApiToken.objects.all()
    tokens.filter(name="Export").update(expires_at=now - day)
    tokens.filter(name="Laptop").revoke(now)
    tokens.filter(name="Phone").update(last_used_at=now - timedelta(hours=7, minutes=20))
    User.objects.filter(username="inactive").update(is_active=False)


def test_the_list_tells_what_each_token_is(administrator: User) -> None:
    make_token_of_each_state(administrator)
    prefix = {token.name: f"{token.prefix}…" for token in ApiToken.objects.all()}
    # fmt: off
    assert rows_of(admin_as(administrator).get(LIST)) == [
        ["Dashboard", prefix["Dashboard"], "ada", "admin:all read:tasks", "active", "never", "0"],
        ["Phone", prefix["Phone"], "inactive", "read:clients", "inactive user", "7 hours ago",
         "0"],
        ["Laptop", prefix["Laptop"], "revoked", "read:tasks read:users", "revoked", "never", "0"],
        ["Export", prefix["Export"], "expired", "read:tasks", "expired", "never", "0"],
        ["Desktop", prefix["Desktop"], "active", "write:time_entries read:projects +3",
         "expires in 6 days", "never", "1,234"],
    ]


def test_the_list_has_all_scopes_as_title_and_strikes_out_the_inert(administrator: User) -> None:
    boss = make_administrator("boss")
    issue_token(boss, "admin:all", "read:tasks", "read:users")
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    cell = (
        '<span title="admin:all, read:tasks, read:users"><s><code>admin:all</code></s>'
        " <code>read:tasks</code> +1</span>"
    )
    assert cell in admin_as(administrator).get(LIST).content.decode()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("state=active", ["Dashboard", "Desktop"], id="active"),
        pytest.param("state=expired", ["Export"], id="expired"),
        pytest.param("state=revoked", ["Laptop"], id="revoked"),
        pytest.param("state=inactive+user", ["Phone"], id="inactive user"),
        pytest.param("state=inert", [], id="inert"),
        pytest.param("state=other", [], id="unknown state"),
        pytest.param("attention=expiring", ["Desktop"], id="expires within 14 days"),
        pytest.param("attention=unused", ["Dashboard", "Export", "Desktop"], id="never used"),
        pytest.param("attention=endless", ["Dashboard", "Phone"], id="never expires"),
        pytest.param("attention=other", [], id="unknown attention"),
        pytest.param("scope=read:tasks", ["Dashboard", "Laptop", "Export", "Desktop"], id="scope"),
        pytest.param("scope=admin:all", ["Dashboard"], id="privileged scope"),
        pytest.param("scope=*", [], id="a scope that is a part of no other"),
        pytest.param("q=export", ["Export"], id="name"),
        pytest.param("q=inacti", ["Phone"], id="username"),
        pytest.param("q=tt_", ["Dashboard", "Phone", "Laptop", "Export", "Desktop"], id="prefix"),
    ],
)
def test_filters_and_search(administrator: User, query: str, names: list[str]) -> None:
    make_token_of_each_state(administrator)
    rows = rows_of(admin_as(administrator).get(f"{LIST}?{query}"))
    assert [row[0] for row in rows] == names


def test_every_state_can_be_filtered_by_and_is_told_as_the_model_tells_it(
    administrator: User,
) -> None:
    """Expired and revoked, of an inactive user, inert: the filter's cases are the model's."""
    now = timezone.now()
    for number, (expired, revoked, active, boss, ordinary) in enumerate(
        itertools.product([False, True], repeat=5)
    ):
        user = make_user(f"user {number}", is_active=active, is_superuser=boss)
        token, _ = issue_token(user, "read:tasks", name=f"token {number}")
        scopes = ["read:*", "admin:all", *(["write:time_entries"] if ordinary else [])]
        ApiToken.objects.filter(pk=token.pk).update(scopes=scopes)
        ApiToken.objects.filter(pk=token.pk).update(
            expires_at=now if expired else None, revoked_at=now if revoked else None
        )
    browser = admin_as(administrator)
    filtered = {
        row[0]: state
        for state in ("active", "expired", "revoked", "inactive user", "inert")
        for row in rows_of(browser.get(LIST, {"state": state}))
    }
    told = {token.name: token.state(timezone.now()) for token in ApiToken.objects.all()}
    assert filtered == told
    assert len(told) == 32


def test_filter_by_user_takes_a_part_of_the_name(administrator: User, owner: User) -> None:
    make_user("carl")
    issue_token(owner, "read:tasks", name="Hers")
    issue_token(administrator, "read:tasks", name="Mine")
    browser = admin_as(administrator)
    for query in ({"user__id__exact": owner.pk}, {"person": "OLG"}):
        assert [row[0] for row in rows_of(browser.get(LIST, query))] == ["Hers"]


def test_the_list_costs_the_same_for_one_and_for_three_hundred(
    administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(administrator)
    issue_token(make_user("user 0"), "read:tasks")
    browser.get(LIST)
    with django_assert_num_queries(5):  # session, user, two counts, page
        assert len(rows_of(browser.get(LIST))) == 1
    for number in range(1, 300):
        issue_token(make_user(f"user {number}"), "read:tasks")
    with django_assert_num_queries(5):
        assert len(rows_of(browser.get(LIST))) == 25
    with django_assert_num_queries(5):
        assert len(rows_of(browser.get(LIST, {"o": "-7", "scope": "read:tasks"}))) == 25
