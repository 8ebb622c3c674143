"""Who may see which users, and how they look."""

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.support.answers import invalid, page_of
from tests.support.factories import api_as, make_user
from users.models import User

ME, USERS = "/api/v1/users/me", "/api/v1/users"


def test_me_is_the_user_of_the_token(colleague: User) -> None:
    user = make_user("olga", first_name="Olga", last_name="Berg", time_zone="Europe/Berlin")
    response = api_as(user, "read:users").get(ME)
    assert response.status_code == 200
    assert response.json() == {
        "user": {
            "id": user.pk,
            "username": "olga",
            "email": "olga@example.com",
            "full_name": "Olga Berg",
            "role": "user",
            "time_zone": "Europe/Berlin",
            "active": True,
        }
    }


def test_me_is_304_until_something_of_it_changes(owner: User) -> None:
    api = api_as(owner, "read:users")
    tag = api.get(ME)["ETag"]
    assert api.get(ME, headers={"If-None-Match": tag}).status_code == 304
    User.objects.update(time_zone="Asia/Tokyo")
    assert api.get(ME, headers={"If-None-Match": tag}).status_code == 200


def test_me_of_an_administrator_in_the_servers_zone(administrator: User) -> None:
    response = api_as(administrator, "read:users").get(ME)
    assert response.status_code == 200
    assert response.json() == {
        "user": {
            "id": administrator.pk,
            "username": "ada",
            "email": "ada@example.com",
            "full_name": "",
            "role": "admin",
            "time_zone": "UTC",
            "active": True,
        }
    }


def test_me_takes_no_parameters(owner: User) -> None:
    response = api_as(owner, "read:users").get(ME, {"page": "1"})
    assert response.status_code == 400
    assert response.json() == invalid(
        response, page="Unknown parameter. No parameters are accepted here."
    )


def test_list_holds_all_users_by_name(administrator: User, owner: User) -> None:
    former = make_user("carl", is_active=False, is_superuser=True, time_zone="Asia/Kolkata")
    response = api_as(administrator, "admin:all").get(USERS)
    assert response.status_code == 200
    assert response.json() == page_of(
        "users",
        [
            {
                "id": administrator.pk,
                "username": "ada",
                "email": "ada@example.com",
                "full_name": "",
                "role": "admin",
                "time_zone": "UTC",
                "active": True,
            },
            {
                "id": former.pk,
                "username": "carl",
                "email": "carl@example.com",
                "full_name": "",
                "role": "user",
                "time_zone": "Asia/Kolkata",
                "active": False,
            },
            {
                "id": owner.pk,
                "username": "olga",
                "email": "olga@example.com",
                "full_name": "",
                "role": "user",
                "time_zone": "UTC",
                "active": True,
            },
        ],
    )


@pytest.mark.parametrize("scope", ["read:users", "read:*"])
def test_list_is_for_administrators_with_admin_all(administrator: User, scope: str) -> None:
    response = api_as(administrator, scope).get(USERS)
    assert response.status_code == 403
    assert response.json() == {
        "error": "Insufficient permissions",
        "message": "This endpoint requires the 'admin:all' scope",
        "error_code": "forbidden",
        "required_scope": "admin:all",
        "available_scopes": [scope],
        "request_id": response["X-Request-ID"],
    }


def test_list_has_no_filters(administrator: User) -> None:
    response = api_as(administrator, "admin:all").get(USERS, {"search": "olga"})
    assert response.status_code == 400
    assert response.json() == invalid(
        response, search="Unknown parameter. Accepted: cursor, page, perPage, per_page."
    )


def test_list_costs_the_same_for_one_and_for_twenty(
    administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(administrator, "admin:all")
    api.get(USERS)
    with django_assert_num_queries(4):  # token, tag, count, page
        assert len(api.get(USERS).json()["users"]) == 1
    for number in range(1, 20):
        make_user(f"user{number}")
    with django_assert_num_queries(4):
        assert len(api.get(USERS).json()["users"]) == 20


def test_me_costs_one_query(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(owner, "read:users")
    api.get(ME)
    with django_assert_num_queries(1):  # token with its user
        assert api.get(ME).status_code == 200
