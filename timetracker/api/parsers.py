"""JSON as RFC 8259 means it, and nothing that a database cannot store."""

import json
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.parsers import JSONParser

from timetracker.api.exceptions import BadRequest

MAX_DEPTH = 20
SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJSONParser(JSONParser):
    """Accept one JSON object; refuse what two readers could understand differently.

    DRF applies DATA_UPLOAD_MAX_MEMORY_SIZE only to subclasses of its own parser.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the object that the body holds; 400 for anything else."""
        try:
            text = stream.read().decode("utf-8")
            data = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        except RecursionError as error:
            raise _too_deep() from error
        except ValueError as error:
            reason = str(error).partition(";")[0]  # what follows is advice to a programmer
            raise BadRequest(f"The body is not valid JSON: {reason}.") from error
        if not isinstance(data, dict):
            raise BadRequest('The body must be a JSON object, such as {"name": "…"}.')
        _check(data, depth=1)
        return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {json.dumps(twice)} appears twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _too_deep() -> BadRequest:
    return BadRequest(f"The body may be nested at most {MAX_DEPTH} levels deep.")


def _check(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    """Refuse what PostgreSQL cannot store, and what SQLite would store and never give back."""
    if "\x00" in text:
        raise BadRequest("Text may not contain the character U+0000.")
    if not text.isascii() and SURROGATE.search(text):
        raise BadRequest("Text may not contain a lone surrogate (U+D800 to U+DFFF).")
