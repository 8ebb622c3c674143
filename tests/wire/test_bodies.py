"""Bodies as clients really send them: in chunks, packed, cut off, too large."""

import gzip
import json
import uuid
import zlib

import pytest

from tests.faults.harness import Service
from tests.wire.line import Line, Reply

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
GZIP = "Content-Encoding: gzip"
MOST = 1024 * 1024


def project(name: str = "", **fields: object) -> bytes:
    """A body that makes a project."""
    return json.dumps({"name": name or str(uuid.uuid4()), **fields}).encode()


def sized(size: int) -> bytes:
    """A body of so many bytes."""
    body = project(description="")
    return body.replace(b'"description": ""', b'"description": "%s"' % (b"x" * (size - len(body))))


def chunks(body: bytes, size: int = 7) -> tuple[bytes, ...]:
    """A body in chunks, with the last."""
    cuts = [body[at : at + size] for at in range(0, len(body), size)]
    return tuple(b"%x\r\n%s\r\n" % (len(cut), cut) for cut in [*cuts, b""])


def still_works(line: Line) -> bool:
    """Whether the next request on the same connection is read from its first byte."""
    return line.ask("GET /api/v1/info").status == 200


def names(line: Line, name: str) -> list[str]:
    """The projects of a name that are stored."""
    found = line.ask(f"GET /api/v1/projects?search={name}").json()["projects"]
    return [row["name"] for row in found]


def test_a_chunked_body_is_read(administrators_line: Line) -> None:
    line, name = administrators_line, str(uuid.uuid4())
    reply = line.ask("POST /api/v1/projects", JSON, CHUNKED, parts=chunks(project(name)))
    assert (reply.status, reply.json()["project"]["name"]) == (201, name)
    assert still_works(line)


def test_chunks_may_have_trailers_and_a_body_may_come_with_the_next_request(
    administrators_line: Line,
) -> None:
    line = administrators_line
    body = b"".join(chunks(project(), 1000)[:-1]) + b"0\r\nX-Sum: 1\r\n\r\n"
    line.say(
        b"POST /api/v1/projects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        + line.token.encode()
        + b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + body
        + b"GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert [line.hear().status, line.hear().status] == [201, 200]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param((b"0\r\n\r\n",), id="no chunk at all"),
        pytest.param((b"zz\r\n",), id="no number"),
        pytest.param((b"5\r\n{}", b"\r\nzz\r\n"), id="shorter than it says"),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_a_chunked_body_is_never_taken_for_an_empty_one(
    service: Service, administrators_line: Line, method: str, sent: tuple[bytes, ...]
) -> None:
    """A PATCH of nothing would be 200."""
    path = f"/{service.project}" if method == "PATCH" else ""
    reply = administrators_line.ask(f"{method} /api/v1/projects{path}", JSON, CHUNKED, parts=sent)
    assert reply.refusal() == (400, "bad_request")


def test_nothing_in_chunks_stops_no_timer(service: Service, line: Line) -> None:
    start = json.dumps({"project_id": service.project}).encode()
    line.ask("POST /api/v1/timer/start", JSON, body=start)
    reply = line.ask("POST /api/v1/timer/stop", JSON, CHUNKED, parts=(b"0\r\n\r\n",))
    assert reply.refusal() == (400, "bad_request")
    assert reply.json()["message"] == (
        "The chunked body is empty or incomplete. To send no body, use Content-Length: 0."
    )
    assert line.ask("POST /api/v1/timer/stop", body=b"").status == 200


def test_a_chunked_body_that_breaks_off_is_not_read_as_far_as_it_came(
    administrators_line: Line, service: Service
) -> None:
    name = str(uuid.uuid4())
    sent = chunks(project(name), 20)
    reply = administrators_line.ask(
        "POST /api/v1/projects", JSON, CHUNKED, parts=(*sent[:2], b"not a chunk\r\n")
    )
    assert reply.refusal() == (400, "bad_request")
    with Line(service.ports[0], administrators_line.token) as another:
        assert names(another, name) == []


@pytest.mark.parametrize(
    ("size", "status"), [pytest.param(MOST, 400, id="1 MiB"), pytest.param(MOST + 1, 413, id="+1")]
)
def test_a_chunked_body_has_the_limit_of_any_other(
    administrators_line: Line, size: int, status: int
) -> None:
    """Of 1 MiB it is read, and its description is too long."""
    line, body = administrators_line, sized(size)
    assert len(body) == size
    reply = line.ask(
        "POST /api/v1/projects", JSON, CHUNKED, parts=(b"".join(chunks(body, 65536)),)
    )
    assert reply.refusal()[0] == status
    assert (reply["Connection"] == "close") is line.is_closed() is (status == 413)


def test_a_length_beside_chunks_smuggles_nothing(administrators_line: Line) -> None:
    line = administrators_line
    sent = b"".join(chunks(project())) + b"GET /api/v1/users HTTP/1.1\r\nHost: localhost\r\n\r\n"
    reply = line.ask("POST /api/v1/projects", JSON, CHUNKED, "Content-Length: 4", parts=(sent,))
    assert reply.status == 201
    assert (reply["Connection"], line.is_closed()) == ("close", True)


def test_another_transfer_coding_is_411(administrators_line: Line) -> None:
    packed = chunks(gzip.compress(project()))
    coded = "Transfer-Encoding: gzip, chunked"
    reply = administrators_line.ask("POST /api/v1/projects", JSON, coded, parts=packed)
    assert reply.refusal() == (411, "length_required")


def test_a_chunked_body_that_nobody_needs_is_read(service: Service) -> None:
    with Line(service.ports[0], "tt_nonsense") as line:
        parts = chunks(sized(100_000), 10_000)
        reply = line.ask("POST /api/v1/projects", JSON, CHUNKED, parts=parts)
        assert reply.refusal() == (401, "unauthorized")
        assert still_works(line)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_packed_body_is_unpacked(
    administrators_line: Line, coding: str, *, chunked: bool
) -> None:
    line, name = administrators_line, str(uuid.uuid4())
    body = project(name)
    packed = gzip.compress(body[:9]) + gzip.compress(body[9:])  # two members are one file
    headers = [JSON, f"Content-Encoding: {coding}"]
    if chunked:
        reply = line.ask("POST /api/v1/projects", *headers, CHUNKED, parts=chunks(packed))
    else:
        reply = line.ask("POST /api/v1/projects", *headers, body=packed)
    assert (reply.status, reply.json()["project"]["name"]) == (201, name)
    assert still_works(line)


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        pytest.param(gzip.compress(sized(MOST)), 400, id="1 MiB is read, and too long a text"),
        pytest.param(gzip.compress(sized(MOST + 1)), 413, id="a byte more"),
        pytest.param(gzip.compress(bytes(1000)) * 5000, 413, id="5000 members"),
        pytest.param(gzip.compress(project())[:-9], 400, id="cut off"),
        pytest.param(gzip.compress(project())[:-8] + bytes(8), 400, id="wrong checksum"),
        pytest.param(gzip.compress(project()) + b"more", 400, id="more after it"),
        pytest.param(zlib.compress(project()), 400, id="deflate"),
        pytest.param(project(), 400, id="not packed"),
        pytest.param(gzip.compress(b""), 400, id="nothing"),
        pytest.param(gzip.compress(gzip.compress(project())), 400, id="twice"),
    ],
)
def test_what_does_not_unpack_to_one_mebibyte_is_refused(
    administrators_line: Line, packed: bytes, status: int
) -> None:
    reply = administrators_line.ask("POST /api/v1/projects", JSON, GZIP, body=packed)
    assert reply.refusal()[0] == status
    assert still_works(administrators_line)


def test_500_megabytes_of_zeros_are_refused(administrators_line: Line) -> None:
    packed = gzip.compress(bytes(500_000_000))  # takes a second, which no other test shall wait
    test_what_does_not_unpack_to_one_mebibyte_is_refused(administrators_line, packed, 413)


@pytest.mark.parametrize(
    "coding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "aes128gcm"]
)
def test_another_coding_is_415_that_names_ours(administrators_line: Line, coding: str) -> None:
    line = administrators_line
    reply = line.ask("POST /api/v1/projects", JSON, f"Content-Encoding: {coding}", body=project())
    assert reply.refusal() == (415, "unsupported_media_type")
    assert reply.json()["message"] == "Send the body uncompressed, or with Content-Encoding: gzip."
    assert reply["Accept-Encoding"] == "gzip, identity"
    assert still_works(line)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/xml",
        "nonsense",
        "",
        "text/plain; charset=rot13",
        "application/json; charset=rot13",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=bz2_codec",
        "application/json; charset=" + "x" * 5000,
        "application/json; x*=nonsense''%C3%A9",
        "application/json; charset*=nonsense''utf-8",
        b"application/json\xff",
    ],
)
def test_another_type_is_415_that_names_ours(
    administrators_line: Line, content_type: str | bytes
) -> None:
    line = administrators_line
    sent = content_type if isinstance(content_type, bytes) else content_type.encode()
    reply = line.ask("POST /api/v1/projects", b"Content-Type: " + sent, body=project())
    assert reply.refusal() == (415, "unsupported_media_type")
    assert reply.json()["message"] == (
        "Send the body as JSON in UTF-8, with Content-Type: application/json."
    )
    assert reply["Accept"] == "application/json"
    assert still_works(line)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF8"'],
)
def test_json_in_utf_8_is_read(administrators_line: Line, content_type: str) -> None:
    reply = administrators_line.ask(
        "POST /api/v1/projects", f"Content-Type: {content_type}", body=project()
    )
    assert reply.status == 201


def too_large(line: Line, path: str) -> Reply:
    """The answer to a body of which only the beginning is sent."""
    return line.ask(f"POST {path}", JSON, f"Content-Length: {MOST + 1}", parts=(b"{" * 1000,))


@pytest.mark.parametrize("path", ["/api/v1/projects", "/admin/", "/api/v1/nothing"])
def test_an_answer_to_a_body_too_large_to_read_says_that_the_connection_ends(
    administrators_line: Line, path: str
) -> None:
    reply = too_large(administrators_line, path)
    assert reply.status == (404 if path.endswith("nothing") else 413)
    assert reply["Connection"] == "close"
    assert administrators_line.is_closed()


def test_a_body_too_large_is_refused_in_the_one_shape(administrators_line: Line) -> None:
    assert too_large(administrators_line, "/api/v1/projects").refusal() == (
        413,
        "payload_too_large",
    )
