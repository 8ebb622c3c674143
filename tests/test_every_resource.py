"""What every resource is asked, whichever app it is in: the declarations say which there are."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import CharField, TextField
from django.urls import reverse

from api.bulk.views import BulkMixin
from apitokens.models import ApiToken
from changes.feed import VIEWSETS
from projects.archiving import ProjectWork
from projects.models import Project
from registry import declared
from tests.support.admin import admin_as
from tests.support.examples import (
    RESOURCES,
    body_of,
    change_of,
    create,
    example_of,
    make_row,
    path_of,
)
from tests.support.factories import api_as, make_administrator
from tests.support.routes import NAMED_BY_BODIES
from users.models import User

# Whoever creates a webhook gets its secret.
NOT_ADDED_IN_THE_ADMIN = {"webhooks"}

resource = pytest.mark.parametrize("viewset", RESOURCES.values(), ids=RESOURCES.keys())


@pytest.fixture
def caller(db: None) -> User:
    """An administrator, who may do everything in the admin too."""
    return make_administrator("ada", time_zone="UTC")


def key_of(viewset: Any) -> str:
    return declared.key_of(viewset.queryset.model)


def optional_texts_of(viewset: Any) -> list[str]:
    """The writable texts that may be empty, as the model has them; in some, null says more."""
    fields = viewset.serializer_class().fields
    return [
        column.name
        for column in _model(viewset)._meta.concrete_fields
        if isinstance(column, CharField | TextField) and column.blank and not column.null
        if column.name in fields
        and not (fields[column.name].read_only or fields[column.name].allow_null)
    ]


def _some(name: str) -> str:
    return "someone@example.com" if name == "email" else "some"


@resource
def test_a_row_is_made_read_changed_and_listed(caller: User, viewset: Any) -> None:
    api, name = api_as(caller, "*"), key_of(viewset)
    created = create(api, viewset, caller)
    one = f"{path_of(viewset)}/{created['id']}"
    assert set(created) == set(example_of(viewset)) | {
        *("created_at", "updated_at", "version", "external_id")
    }
    assert api.get(one).json() == {name: created}
    for method in (api.patch, api.put):
        change = change_of(viewset)
        changed: Any = method(one, change)
        assert changed.status_code == 200, changed.content
        assert {field: changed.json()[name][field] for field in change} == change
    assert changed.json()[name]["version"] == 2  # the second changed nothing
    listed = api.get(path_of(viewset)).json()
    assert created["id"] in [row["id"] for row in listed[declared.plural_key_of(_model(viewset))]]


@resource
def test_what_is_shown_can_be_sent_back(caller: User, viewset: Any) -> None:
    api = api_as(caller, "*")
    created = create(api, viewset, caller)
    answer: Any = api.put(f"{path_of(viewset)}/{created['id']}", created)
    assert answer.status_code == 200, answer.content
    assert answer.json()[key_of(viewset)] == created


@resource
def test_null_for_a_text_that_may_be_empty_empties_it(caller: User, viewset: Any) -> None:
    api, texts = api_as(caller, "*"), optional_texts_of(viewset)
    nothing, filled = dict.fromkeys(texts), {name: _some(name) for name in texts}
    body = {**body_of(viewset, caller), **nothing}
    created: Any = api.post(path_of(viewset), body)
    assert created.status_code == 201, created.content
    one = f"{path_of(viewset)}/{created.json()[key_of(viewset)]['id']}"
    row = _model(viewset).objects.get(pk=one.rpartition("/")[2])
    for write in (api.patch, api.put):
        assert {name: getattr(row, name) for name in texts} == dict.fromkeys(texts, "")
        assert api.patch(one, filled).status_code == 200
        row.refresh_from_db()
        assert all(getattr(row, name) for name in texts)
        emptied: Any = write(one, nothing)
        assert emptied.status_code == 200, emptied.content
        row.refresh_from_db()
    assert {name: getattr(row, name) for name in texts} == dict.fromkeys(texts, "")


@resource
def test_null_for_a_text_that_may_be_empty_empties_it_in_a_bulk(
    caller: User, viewset: Any
) -> None:
    if not issubclass(viewset, BulkMixin):
        pytest.skip("has no bulk")
    nothing = dict.fromkeys(optional_texts_of(viewset))
    row = make_row(viewset, caller)
    operations = [
        {"op": "create", "data": {**body_of(viewset, caller, 2), **nothing}},
        {"op": "update", "id": row.pk, "data": nothing},
    ]
    answer: Any = api_as(caller, "*").post(f"{path_of(viewset)}/bulk", {"operations": operations})
    assert answer.json()["committed"], answer.content
    for each in _model(viewset).objects.filter(pk__in=[r["id"] for r in answer.json()["results"]]):
        assert {name: getattr(each, name) for name in nothing} == dict.fromkeys(nothing, "")


@resource
def test_pages_and_cursors_show_each_row_once(caller: User, viewset: Any) -> None:
    api, plural = api_as(caller, "*"), declared.plural_key_of(_model(viewset))
    made = {make_row(viewset, caller, number).pk for number in range(1, 4)}
    pages = [
        api.get(path_of(viewset), {"per_page": 1, "page": page}).json() for page in range(1, 9)
    ]
    by_page = [row["id"] for page in pages for row in page[plural]]
    assert made <= set(by_page)
    assert len(by_page) == len(set(by_page))
    by_cursor, query = [], {"per_page": 1}
    while True:
        page = api.get(path_of(viewset), query).json()
        by_cursor += [row["id"] for row in page[plural]]
        if page["pagination"]["next_cursor"] is None:
            break
        query["cursor"] = page["pagination"]["next_cursor"]
    assert by_cursor == by_page


@resource
def test_a_list_and_a_row_are_304_until_they_change(caller: User, viewset: Any) -> None:
    api = api_as(caller, "*")
    one = f"{path_of(viewset)}/{create(api, viewset, caller)['id']}"
    tags = {path: api.get(path)["ETag"] for path in (path_of(viewset), one)}
    for path, tag in tags.items():
        assert api.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert api.patch(one, change_of(viewset), HTTP_IF_MATCH=tags[one]).status_code == 200
    assert api.patch(one, change_of(viewset), HTTP_IF_MATCH=tags[one]).status_code == 412
    for path, tag in tags.items():
        assert api.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 200


@resource
def test_a_row_has_an_id_of_the_callers_own(caller: User, viewset: Any) -> None:
    api = api_as(caller, "*")
    path = f"{path_of(viewset)}/by-external-id/crm 17"
    statuses = [api.put(path, body_of(viewset, caller)).status_code for _ in range(2)]
    assert statuses == [201, 200]
    listed = api.get(path_of(viewset), {"external_id": "crm 17"}).json()
    assert [row["external_id"] for row in listed[declared.plural_key_of(_model(viewset))]] == [
        "crm 17"
    ]


@resource
def test_the_feed_shows_its_writes_and_deletions(caller: User, viewset: Any) -> None:
    if key_of(viewset) not in VIEWSETS:
        pytest.skip("not in the feed")
    api, name = api_as(caller, "*"), key_of(viewset)
    created = create(api, viewset, caller)
    page = api.get("/api/v1/changes", {"types": name})
    found = [change for change in page.json()["changes"] if change["id"] == created["id"]]
    assert [(change["op"], change["data"]) for change in found] == [("upsert", created)]
    cursor = page.json()["next_cursor"]
    assert api.delete(f"{path_of(viewset)}/{created['id']}").status_code == 200
    page = api.get("/api/v1/changes", {"cursor": cursor, "types": name})
    (change,) = page.json()["changes"]
    assert change["id"] == created["id"]
    assert change["op"] == ("upsert" if _model(viewset) is Project else "delete")


@resource
def test_writing_includes_reading_and_nothing_else(caller: User, viewset: Any) -> None:
    name = viewset.scope_resource
    named = NAMED_BY_BODIES.get(path_of(viewset).strip("/"))
    writer = api_as(caller, f"write:{name}", *filter(None, [named]))
    reader = api_as(caller, f"read:{name}")
    stranger = api_as(caller, *(f"read:{other}" for other in RESOURCES if other != name))
    body = body_of(viewset, caller)
    assert writer.get(path_of(viewset)).status_code == 200
    assert writer.post(path_of(viewset), body).status_code == 201
    assert reader.get(path_of(viewset)).status_code == 200
    assert reader.post(path_of(viewset), body).status_code == 403
    assert stranger.get(path_of(viewset)).status_code == 403


@resource
def test_many_are_written_at_once_where_that_is_offered(caller: User, viewset: Any) -> None:
    if not hasattr(viewset, "bulk"):
        pytest.skip("no bulk")
    operations = [{"op": "create", "data": body_of(viewset, caller, number)} for number in (1, 2)]
    answer: Any = api_as(caller, "*").post(f"{path_of(viewset)}/bulk", {"operations": operations})
    assert answer.status_code == 200, answer.content
    assert [result["status"] for result in answer.json()["results"]] == [201, 201]


@resource
def test_an_archived_project_takes_nothing_new(caller: User, viewset: Any) -> None:
    if not issubclass(_model(viewset), ProjectWork):
        pytest.skip("no work on a project")
    api, body = api_as(caller, "*"), body_of(viewset, caller)
    Project.objects.get(pk=body["project_id"]).archive()
    answer: Any = api.post(path_of(viewset), body)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "project_archived")


@resource
def test_the_admin_lists_shows_and_adds(caller: User, viewset: Any) -> None:
    model, browser = _model(viewset), admin_as(caller)
    row = make_row(viewset, caller)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    pages = {"changelist": [], "add": [], "change": [row.pk], "history": [row.pk]}
    for page, arguments in pages.items():
        refused = page == "add" and viewset.scope_resource in NOT_ADDED_IN_THE_ADMIN
        answer = browser.get(reverse(f"{name}_{page}", args=arguments))
        assert answer.status_code == (403 if refused else 200)
    assert browser.get(reverse(f"{name}_changelist"), {"q": "x"}).status_code == 200


@resource
def test_a_token_for_it_is_issued_in_the_admin(caller: User, viewset: Any) -> None:
    scope = f"write:{viewset.scope_resource}"
    data = {
        "user": caller.pk,
        "name": "New",
        "description": "",
        "preset": "",
        "scopes": [scope],
        "expires_in_days": "",
        "allowed_networks": "",
    }
    page = admin_as(caller).post(reverse("admin:apitokens_apitoken_add"), data, follow=True)
    assert page.status_code == 200
    assert path_of(viewset) in page.content.decode()
    assert ApiToken.objects.get().scopes == [scope]


def test_every_model_in_the_feed_is_in_the_admin() -> None:
    assert all(admin.site.is_registered(_model(viewset)) for viewset in RESOURCES.values())


def _model(viewset: Any) -> Any:
    return viewset.queryset.model
