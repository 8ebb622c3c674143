"""A hint names what was meant, or is not given: one that misleads costs more than none."""

import pytest

from api.suggestions import unknown_name

KNOWN = ["cursor", "page", "per_page", "project_id", "start_date", "updated_since", "user_id"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("page_size", "per_page"),
        ("pageSize", "per_page"),
        ("page-size", "per_page"),
        ("limit", "per_page"),
        ("perPage", "per_page"),
        ("projectId", "project_id"),
        ("porject_id", "project_id"),
        ("user", "user_id"),
        ("start", "start_date"),
        ("PAGE", "page"),
    ],
)
def test_what_was_meant_is_named(name: str, meant: str) -> None:
    assert unknown_name(name, KNOWN) == f"Unknown field. Did you mean '{meant}'?"


@pytest.mark.parametrize("name", ["sort", "order", "offset", "since", "x", "", "id", "date"])
def test_where_nothing_is_near_nothing_is_guessed(name: str) -> None:
    assert unknown_name(name, KNOWN) == f"Unknown field. Accepted: {', '.join(KNOWN)}."


def test_what_is_not_known_here_is_not_proposed() -> None:
    assert unknown_name("limit", ["name"]) == "Unknown field. Accepted: name."
