import pytest

from webhooks.answers import LONGEST_PAUSE, pause, snippet

NOW = 1_700_000_000.9  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b'{"ok": true}\r\n\ttab', '{"ok": true}\n\ttab', id="as it came"),
        pytest.param("Grüße €".encode(), "Grüße €", id="UTF-8"),
        pytest.param("Grüße".encode("latin-1"), "Gr\ufffd\ufffde", id="Latin-1"),
        pytest.param(b"\x1f\x8b\x08\x00", "\ufffd\ufffd\ufffd\ufffd", id="gzip"),
        pytest.param(b"a\0b\x1b[31mc\x7f", "a\ufffdb\ufffd[31mc\ufffd", id="control characters"),
        pytest.param("a\u202eb\u200b\ufeff".encode(), "a\ufffdb\ufffd\ufffd", id="direction"),
        pytest.param(b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", id="surrogate"),
        pytest.param(b"<script>&", "<script>&", id="markup is for the page to escape"),
        pytest.param(b"x" * 5000, "x" * 2048, id="cut"),
        pytest.param("€".encode() * 1000, "€" * 682, id="cut within a character"),
        pytest.param(b"\xff" * 5000, "\ufffd" * 682, id="cut after it grew"),
    ],
)
def test_a_body_is_kept_as_two_kibibytes_of_text(body: bytes, text: str) -> None:
    assert snippet(body) == text
    assert len(snippet(body).encode()) <= 2048


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 120 ", 120),
        ("86400", 86400),
        ("86401", LONGEST_PAUSE),
        ("9999999999", LONGEST_PAUSE),
        ("9" * 5000, None),
        ("-1", None),
        ("+5", None),
        ("1.5", None),
        ("1_0", None),
        ("\u0665", None),
        ("120, 60", None),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue Nov 14 22:14:20 2023", 60),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
        ("Tue, 31 Feb 2023 22:14:20 GMT", None),
        ("2023-11-14T22:14:20Z", None),
    ],
)
def test_a_pause_is_read_strictly_and_bounded(header: str | None, seconds: int | None) -> None:
    assert pause(header, NOW) == seconds
