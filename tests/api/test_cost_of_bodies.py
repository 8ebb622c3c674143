"""What a body of a mebibyte costs: as many steps as it is long, and a short answer."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files import uploadedfile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from api.exceptions import BadRequest
from api.suggestions import MOST_NAMED
from api.wire import parsers
from api.wire.parsers import MOST_VALUES, StrictJSONParser
from edge.middleware import PageBodyLimitMiddleware
from tests.support.errors import error_of
from tests.support.factories import api_as
from users.models import User

JSON = "application/json"
PATH = "/api/v1/projects"


@contextmanager
def calls() -> Iterator[dict[str, int]]:
    """Count the calls of Python and C functions, and the rounds of generators, in a block."""
    seen = {"call": 0, "c_call": 0}

    def note(_: Any, event: str, __: Any) -> None:
        if event in seen:
            seen[event] += 1

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


class CountedText(str):
    """A name that counts how often it is compared with another."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        CountedText.comparisons += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("number", [100, 4_000])
def test_a_repeated_name_is_found_in_one_pass(number: int) -> None:
    CountedText.comparisons = 0
    pairs: list[tuple[str, Any]] = [(CountedText(f"n{place}"), 1) for place in range(number)]
    make_object = parsers._Objects()  # noqa: SLF001 - what the reader of JSON calls
    with pytest.raises(ValueError, match="duplicate name"):
        make_object([*pairs, pairs[-1]])
    assert CountedText.comparisons <= 4 * number


def test_a_repeated_name_is_told_and_a_long_one_is_cut(owner: User) -> None:
    api = api_as(owner, "write:projects")
    name = "n" * 100_000
    response = api.post(PATH, f'{{"{name}": 1, "{name}": 2}}', content_type=JSON)
    assert error_of(response)["message"] == (
        f'The body is not valid JSON: duplicate name "{name[:100]}\\u2026" in an object.'
    )


@pytest.mark.parametrize("path", [PATH, "/api/v1/time-entries/bulk", "/api/v1/timer/stop"])
def test_of_many_unknown_names_a_few_are_named_and_the_rest_counted(
    administrator: User, path: str
) -> None:
    api = api_as(administrator, "*")
    response = api.post(path, {f"n{number}": 1 for number in range(12_355)})
    errors = error_of(response)["errors"]
    assert response.status_code == 400
    assert [name for name in errors if name.startswith("n") and name[1:].isdecimal()] == [
        f"n{number}" for number in range(MOST_NAMED)
    ]
    assert errors["non_field_errors"] == ["… and 12 345 more unknown fields."]
    assert len(response.content) < 10_000


def test_of_many_unknown_parameters_a_few_are_named(owner: User) -> None:
    query = "&".join(f"n{number}=1" for number in range(500))
    response = api_as(owner, "read:projects").get(f"{PATH}?{query}")
    errors = error_of(response)["errors"]
    assert len(errors) == MOST_NAMED + 1
    assert errors["non_field_errors"] == ["… and 490 more unknown parameters."]


def test_a_long_unknown_name_is_cut(owner: User) -> None:
    response = api_as(owner, "write:projects").post(PATH, {"name": "A", "x" * 900_000: 1})
    [name] = error_of(response)["errors"]
    assert name == "x" * 100 + "…"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([[]] * MOST_VALUES, id="arrays"),
        pytest.param([{}] * MOST_VALUES, id="objects"),
        pytest.param({str(number): 1 for number in range(MOST_VALUES)}, id="members"),
    ],
)
def test_a_body_of_too_many_values_is_400(body: Any) -> None:
    text = json.dumps({"operations": body}).encode()
    with pytest.raises(BadRequest, match="The body must not contain more than 50000 values"):
        StrictJSONParser().parse(BytesIO(text))


def test_reading_stops_at_too_many_objects() -> None:
    text = json.dumps({"operations": [{}] * 10 * MOST_VALUES}).encode()
    with calls() as seen, pytest.raises(BadRequest):
        StrictJSONParser().parse(BytesIO(text))
    assert seen["call"] < 2 * MOST_VALUES


def multipart(size: int) -> bytes:
    """A form with a file of so many bytes."""
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    return head + b"0" * size + b"\r\n--x--\r\n"


def post_form(client: Client, path: str, body: bytes) -> Any:
    return client.generic("POST", path, body, content_type="multipart/form-data; boundary=x")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/projects/project/add/"])
def test_a_file_is_kept_nowhere(
    path: str, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was kept")

    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    monkeypatch.setattr(uploadedfile.InMemoryUploadedFile, "__init__", refuse)
    monkeypatch.setattr(uploadedfile.TemporaryUploadedFile, "__init__", refuse)
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32  # with one, the body is read for the other
    assert post_form(client, path, multipart(100_000)).status_code == 403
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/x", "/api/docs"])
def test_a_large_body_of_a_page_is_413_before_it_is_read(path: str) -> None:
    response = post_form(Client(enforce_csrf_checks=True), path, multipart(1024 * 1024))
    assert response.status_code == 413
    assert response.content.decode() == "The body must not exceed 1 MiB.\n"
    assert response.wsgi_request.read() != b""  # it was left unread


@pytest.mark.parametrize(
    ("length", "status"),
    [("9" * 5000, 413), ("1048577", 413), ("01048577", 413), ("0" * 5000, 200), ("1048576", 200)],
)
def test_a_length_of_any_length_is_judged(length: str, status: int) -> None:
    request = RequestFactory().generic("POST", "/admin/", CONTENT_LENGTH=length)
    answer = PageBodyLimitMiddleware(lambda _: HttpResponse())(request)
    assert answer.status_code == status
