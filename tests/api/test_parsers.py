import json

import pytest
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import api_as
from users.models import User

PATH = "/api/v1/projects"
JSON = "application/json"
MEGABYTE = 1024 * 1024


@pytest.fixture
def api(owner: User) -> APIClient:
    """The owner, who may write projects."""
    return api_as(owner, "write:projects")


def nested(levels: int) -> str:
    """An object that holds arrays, `levels` deep with itself."""
    return '{"name": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def of_size(size: int) -> str:
    """A good body of so many bytes."""
    body = '{"name": "Big", "description": "short"}'
    return body + " " * (size - len(body))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            b"name",
            "The body is not valid JSON: Expecting value: line 1 column 1 (char 0).",
            id="no JSON",
        ),
        pytest.param(
            b" ",
            "The body is not valid JSON: Expecting value: line 1 column 2 (char 1).",
            id="a space",
        ),
        pytest.param(
            b'{"priority": ' + b"1" * 5000 + b"}",
            "The body is not valid JSON: Exceeds the limit (4300 digits) for integer string "
            "conversion: value has 5000 digits.",
            id="a number without end",
        ),
        pytest.param(
            b'{"name": "A"} {}',
            "The body is not valid JSON: Extra data: line 1 column 15 (char 14).",
            id="two values",
        ),
        pytest.param(
            b"\xef\xbb\xbf{}",
            "The body is not valid JSON: Unexpected UTF-8 BOM (decode using utf-8-sig): "
            "line 1 column 1 (char 0).",
            id="byte order mark",
        ),
        pytest.param(
            b'{"name": "\xff"}',
            "The body is not valid JSON: 'utf-8' codec can't decode byte 0xff in position 10: "
            "invalid start byte.",
            id="not UTF-8",
        ),
        pytest.param(
            b'{"name": "\xed\xa0\x80"}',
            "The body is not valid JSON: 'utf-8' codec can't decode byte 0xed in position 10: "
            "invalid continuation byte.",
            id="a surrogate in UTF-8",
        ),
        pytest.param(
            '{"name": "A"}'.encode("utf-16"),
            "The body is not valid JSON: 'utf-8' codec can't decode byte 0xff in position 0: "
            "invalid start byte.",
            id="UTF-16",
        ),
        pytest.param(
            b'{"hourly_rate": NaN}',
            "The body is not valid JSON: NaN is not a JSON number.",
            id="NaN",
        ),
        pytest.param(
            b'{"hourly_rate": -Infinity}',
            "The body is not valid JSON: -Infinity is not a JSON number.",
            id="infinity",
        ),
        pytest.param(
            b'{"name": "A", "status": "active", "name": "B"}',
            'The body is not valid JSON: duplicate name "name" in an object.',
            id="a name twice",
        ),
        pytest.param(
            b'{"name": {"a": 1, "\\u0061": 2}}',
            'The body is not valid JSON: duplicate name "a" in an object.',
            id="a name twice further down, escaped",
        ),
        pytest.param(
            b"[]", 'The body must be a JSON object, such as {"name": "…"}.', id="an array"
        ),
        pytest.param(
            b'"name"', 'The body must be a JSON object, such as {"name": "…"}.', id="a string"
        ),
        pytest.param(
            b"5", 'The body must be a JSON object, such as {"name": "…"}.', id="a number"
        ),
        pytest.param(b"null", 'The body must be a JSON object, such as {"name": "…"}.', id="null"),
        pytest.param(
            nested(21).encode(),
            "The body must not be nested more than 20 levels deep.",
            id="21 levels",
        ),
        pytest.param(
            nested(100_000).encode(),
            "The body must not be nested more than 20 levels deep.",
            id="deeper than Python can go",
        ),
        pytest.param(
            b'{"name": "a\\u0000b"}', "Text must not contain the character U+0000.", id="NUL"
        ),
        pytest.param(
            b'{"a\\u0000b": 1}', "Text must not contain the character U+0000.", id="NUL in a name"
        ),
        pytest.param(
            b'{"name": ["x", {"y": "\\u0000"}]}',
            "Text must not contain the character U+0000.",
            id="NUL further down",
        ),
        pytest.param(
            b'{"name": "\\ud800"}',
            "Text must not contain a lone surrogate (U+D800 to U+DFFF).",
            id="lone high surrogate",
        ),
        pytest.param(
            b'{"name": "\\udfff\\ud800"}',
            "Text must not contain a lone surrogate (U+D800 to U+DFFF).",
            id="surrogates the wrong way round",
        ),
        pytest.param(
            b'{"\\udc00": 1}',
            "Text must not contain a lone surrogate (U+D800 to U+DFFF).",
            id="lone surrogate in a name",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_400(api: APIClient, body: bytes, message: str) -> None:
    response = api.post(PATH, body, content_type=JSON)
    assert response.status_code == 400
    assert error_of(response) == {
        "error": message,
        "message": message,
        "error_code": "bad_request",
    }
    assert Project.objects.count() == 0


@pytest.mark.parametrize("digits", [5000, 400_000])
def test_an_endless_number_is_400(api: APIClient, digits: int) -> None:
    response = api.post(
        PATH, '{"name": "A", "hourly_rate": ' + "9" * digits + "}", content_type=JSON
    )
    assert response.status_code == 400
    assert error_of(response)["error_code"] == "bad_request"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"name": "Caf\u00e9 \U0001f600"}'.encode(), id="UTF-8"),
        pytest.param(b'{"name": "Caf\\u00e9 \\ud83d\\ude00"}', id="escapes and a surrogate pair"),
        pytest.param(b' \n{ "name" : "Caf\\u00e9 \\ud83d\\ude00" }\n', id="spaces around"),
    ],
)
def test_text_is_stored_as_it_came(api: APIClient, body: bytes) -> None:
    response = api.post(PATH, body, content_type=JSON)
    assert response.status_code == 201
    assert Project.objects.get().name == "Caf\u00e9 \U0001f600"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json; charset=latin-1",
        "application/json; charset=nonsense",
        "Application/JSON",
    ],
)
def test_json_is_utf8_whatever_its_label(api: APIClient, content_type: str) -> None:
    response = api.post(PATH, '{"name": "Café"}'.encode(), content_type=content_type)
    assert response.status_code == 201
    assert Project.objects.get().name == "Café"


def test_twenty_levels_are_read(api: APIClient) -> None:
    response = api.post(PATH, nested(20), content_type=JSON)
    assert response.status_code == 400
    assert error_of(response)["error_code"] == "validation_error"


def test_a_body_of_one_mebibyte_is_read_and_a_byte_more_is_413(api: APIClient) -> None:
    assert api.post(PATH, of_size(MEGABYTE), content_type=JSON).status_code == 201
    response = api.post(PATH, of_size(MEGABYTE + 1), content_type=JSON)
    assert response.status_code == 413
    assert error_of(response) == {
        "error": "Payload too large",
        "message": "The body must not exceed 1 MiB.",
        "error_code": "payload_too_large",
    }
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/merge-patch+json",
        "nonsense",
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_another_media_type_is_415(
    api: APIClient, project: Project, method: str, content_type: str
) -> None:
    path = PATH if method == "post" else f"{PATH}/{project.pk}"
    response = getattr(api, method)(path, '{"name": "New"}', content_type=content_type)
    assert response.status_code == 415
    assert error_of(response) == {
        "error": "Unsupported media type",
        "message": "Send the body as JSON in UTF-8, with Content-Type: application/json.",
        "error_code": "unsupported_media_type",
    }
    assert Project.objects.get().name == "Site"


@pytest.mark.parametrize("content_type", [JSON, "", "text/plain"])
def test_an_empty_body_is_an_empty_object(api: APIClient, content_type: str) -> None:
    response = api.generic("POST", PATH, "", content_type=content_type)
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "name: This field is required.",
        "message": "name: This field is required.",
        "error_code": "validation_error",
        "errors": {"name": ["This field is required."]},
    }


def test_a_bad_body_is_judged_before_the_row_is_looked_up(api: APIClient) -> None:
    assert api.put(f"{PATH}/999", "{", content_type=JSON).status_code == 400
    assert api.put(f"{PATH}/999", "{}", content_type=JSON).status_code == 404


def test_a_form_cannot_stand_for_another_method(api: APIClient, project: Project) -> None:
    response = api.post(
        PATH, json.dumps({"name": "A"}), content_type=JSON, HTTP_X_HTTP_METHOD_OVERRIDE="DELETE"
    )
    assert response.status_code == 201
