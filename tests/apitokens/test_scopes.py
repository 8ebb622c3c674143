from itertools import chain, combinations

import pytest

from apitokens.scopes import PRIVILEGED as FOR_ADMINISTRATORS_ALONE
from apitokens.scopes import allows, effective, known_scopes, presets, used_of
from tests.support.routes import EVERYTHING, ORDINARY, PRIVILEGED

pytestmark = pytest.mark.same_on_both

OPENS = {**ORDINARY, **PRIVILEGED}
FOR_ADMINISTRATORS = frozenset({"admin:all", "read:*", "write:*", "*"})


def test_the_table_knows_every_scope() -> None:
    assert set(OPENS) == set(known_scopes())
    assert frozenset(FOR_ADMINISTRATORS_ALONE) == FOR_ADMINISTRATORS


@pytest.mark.parametrize("administrator", [False, True], ids=["user", "administrator"])
def test_a_token_opens_what_its_scopes_open_and_nothing_else(*, administrator: bool) -> None:
    """Asked of every set of up to three scopes, and of every set that lacks up to three.

    All sets were four times as many with each new resource.
    """
    for some in chain.from_iterable(combinations(OPENS, size) for size in range(4)):
        others = tuple(scope for scope in OPENS if scope not in some)
        _assert_opens(some, administrator=administrator)
        _assert_opens(others, administrator=administrator)


def _assert_opens(scopes: tuple[str, ...], *, administrator: bool) -> None:
    counting = effective(scopes, administrator=administrator)
    opened = set[str]().union(
        *(OPENS[scope] for scope in scopes if administrator or scope not in FOR_ADMINISTRATORS)
    )
    assert {required for required in EVERYTHING if allows(counting, required)} == opened


def test_scopes_keep_their_order() -> None:
    scopes = ["write:tasks", "*", "read:clients", "read:projects"]
    assert effective(scopes, administrator=True) == scopes
    assert effective(scopes, administrator=False) == [
        "write:tasks",
        "read:clients",
        "read:projects",
    ]


@pytest.mark.parametrize(
    "scope", ["READ:PROJECTS", "read:project", "read", "read:", "**", "admin"]
)
def test_what_is_no_scope_opens_nothing(scope: str) -> None:
    assert [required for required in EVERYTHING if allows([scope], required)] == []


@pytest.mark.parametrize(
    ("scopes", "required", "used"),
    [
        pytest.param(["read:tasks", "read:users"], ["read:tasks"], {"read:tasks"}, id="itself"),
        pytest.param(["write:tasks"], ["read:tasks"], {"write:tasks"}, id="what includes it"),
        pytest.param(
            ["read:tasks", "write:tasks", "*"],
            ["read:tasks"],
            {"read:tasks"},
            id="the least first",
        ),
        pytest.param(["read:*", "*"], ["read:tasks"], {"read:*", "*"}, id="either of two"),
        pytest.param(["read:tasks"], ["read:users"], set(), id="not held any more"),
        pytest.param(["read:tasks"], [], set(), id="no calls"),
    ],
)
def test_a_call_uses_the_scope_that_it_needs_or_what_includes_it(
    scopes: list[str], required: list[str], used: set[str]
) -> None:
    assert used_of(scopes, required) == used


def test_the_presets_are_the_documents_combinations() -> None:
    found = {preset.name: " ".join(sorted(preset.scopes)) for preset in presets()}
    assert found == {
        "Read-only": "read:clients read:projects read:reports read:tasks read:time_entries",
        "Time tracking integration": (
            "read:projects read:tasks read:time_entries write:time_entries"
        ),
        "Project management integration": (
            "read:projects read:tasks read:time_entries write:projects write:tasks"
        ),
        "Full user access": (
            "read:clients read:projects read:reports read:tasks read:time_entries"
            " write:clients write:projects write:tasks write:time_entries"
        ),
        "Dashboard": "read:projects read:reports read:time_entries",
        "Mobile timer app": "read:projects read:tasks read:time_entries write:time_entries",
        "Invoice generator": "read:clients read:projects read:reports read:time_entries",
        "Admin access": "admin:all",
    }
    assert len({preset.key for preset in presets()}) == len(presets())
