"""Strict JSON (RFC 8259) without text that a database cannot store."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import IO, NoReturn

from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from api.exceptions import BadRequest
from api.suggestions import shortened
from api.wire.content_coding import unpacked

MAX_DEPTH = 20
# A bulk of 500 entries with 50 tags each has 30 000 and a few.
MOST_VALUES = 50_000
SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJSONParser(JSONParser):
    """Accept one JSON object; refuse ambiguous JSON.

    DRF applies DATA_UPLOAD_MAX_MEMORY_SIZE only to subclasses of its own parser.
    """

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """Return the object that the body holds; 400 for anything else."""
        request = (parser_context or {}).get("request")
        try:
            body = stream.read()
            if isinstance(request, Request):
                body = unpacked(request, body)
            text = body.decode("utf-8")
            data = json.loads(text, object_pairs_hook=_Objects(), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise _too_deep() from error
        except ValueError as error:
            reason = str(error).partition(";")[0]  # the rest is advice for programmers
            raise BadRequest(f"The body is not valid JSON: {reason}.") from error
        if not isinstance(data, dict):
            raise BadRequest('The body must be a JSON object, such as {"name": "…"}.')
        _Values().check(data, depth=1)
        return data


class _Objects:
    """Makes the objects of one body; each costs more than to read it."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        self.count += 1
        if self.count > MOST_VALUES:
            raise _too_many()
        result = dict(pairs)
        if len(result) != len(pairs):
            _refuse_repeated(name for name, _ in pairs)
        return result


def _refuse_repeated(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"duplicate name {json.dumps(shortened(name))} in an object")
        seen.add(name)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _too_deep() -> BadRequest:
    return BadRequest(f"The body must not be nested more than {MAX_DEPTH} levels deep.")


def _too_many() -> BadRequest:
    return BadRequest(f"The body must not contain more than {MOST_VALUES} values.")


class _Values:
    """Looks at the values of one body, one after the other, and stops at too many."""

    def __init__(self) -> None:
        self.count = 0

    def check(self, value: object, depth: int) -> None:
        """Raise 400 for excessive depth or size, or text that cannot be stored."""
        if depth > MAX_DEPTH:
            raise _too_deep()
        self.count += 1
        if self.count > MOST_VALUES:
            raise _too_many()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, list):
            for item in value:
                self.check(item, depth + 1)
        elif isinstance(value, dict):
            for name, item in value.items():
                _check_text(name)
                self.check(item, depth + 1)


def _check_text(text: str) -> None:
    """Refuse text that PostgreSQL cannot store or SQLite cannot read back."""
    if "\x00" in text:
        raise BadRequest("Text must not contain the character U+0000.")
    if not text.isascii() and SURROGATE.search(text):
        raise BadRequest("Text must not contain a lone surrogate (U+D800 to U+DFFF).")
