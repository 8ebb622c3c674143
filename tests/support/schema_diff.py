"""What two OpenAPI documents say differently of the wire.

`python -m tests.support.schema_diff 719bce3 [COMMIT]` compares the schema.yml of a commit with
that of another, or of the work tree. Left out is what no request and no answer depends on: words,
examples, and the names of components, which are put in the places that refer to them. Each
difference is printed once, with the number of operations that have it: first what is new, then
what was there and is not the same.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"summary", "description", "example", "examples", "tags", "x-also-accepted"}
# Members whose keys are names of the wire, and not words of OpenAPI.
NAMED = {"properties", "headers", "responses", "content"}

Flat = dict[str, object]
Difference = tuple[str, object, object]


def stripped(
    node: Any, document: Any, within: tuple[str, ...] = (), *, named: bool = False
) -> Any:
    """Return a node without words, and with what its references refer to."""
    if isinstance(node, list):
        return [stripped(each, document, within) for each in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference in within:
            return {"recursive": len(within) - within.index(reference)}
        kind, name = reference.removeprefix("#/components/").split("/")
        target = document["components"][kind][name]
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return stripped({**target, **rest}, document, (*within, reference))
    found = {
        key: stripped(value, document, within, named=not named and key in NAMED)
        for key, value in node.items()
        if named or key not in WORDS
    }
    return found if named else _in_one_form(found)


def _in_one_form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in the one of several forms that say the same."""
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if len(schema.get("allOf", ())) == 1:
        schema |= schema.pop("allOf")[0]
    for several in ("anyOf", "oneOf"):  # named for what is in them: they have no order
        if several in schema:
            schema[several] = {_members(each): each for each in schema[several]}
    if isinstance(schema.get("parameters"), list):
        schema["parameters"] = {
            f"{each['in']} {each['name']}": each for each in schema["parameters"]
        }
    if isinstance(schema.get("required"), list):
        schema["required"] = dict.fromkeys(schema["required"], "yes")
    return schema


def _members(schema: dict[str, Any]) -> str:
    """Return what tells a schema from the others: of a row, the first field that is its own."""
    shared = ("id", "created_at", "updated_at", "version", "external_id", "name", "description")
    own = [name for name in schema.get("properties", ()) if name not in shared]
    return own[0] if own else str(schema)


def flat(node: Any, at: str = "") -> Flat:
    """Return each leaf of a node by its path."""
    if isinstance(node, list) and any(isinstance(each, dict) for each in node):
        node = dict(enumerate(node))
    if isinstance(node, dict) and node:
        pairs = node.items()
        return {
            path: leaf
            for key, value in pairs
            for path, leaf in flat(value, f"{at} > {key}").items()
        }
    return {at: node}


def differences(old: Any, new: Any) -> dict[Difference, list[str]]:
    """Return the operations that have each difference: the last of its path, old and new."""
    found: dict[Difference, list[str]] = defaultdict(list)
    before, after = _operations(old), _operations(new)
    for name in before.keys() | after.keys():
        if name not in before or name not in after:
            found["the whole operation", name in before, name in after].append(name)
            continue
        for path in before[name].keys() | after[name].keys():
            pair = before[name].get(path, "-"), after[name].get(path, "-")
            if pair[0] != pair[1]:
                found[_place(path), str(pair[0]), str(pair[1])].append(name)
    return found


def _operations(document: Any) -> dict[str, Flat]:
    return {
        f"{method.upper()} {path}": flat(stripped(operation, document))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def _place(path: str) -> str:
    """Return the direction, and the path from the last property or parameter on."""
    parts = path.split(" > ")[1:]
    for marker in ("properties", "parameters", "headers"):
        if marker in parts:
            last = len(parts) - 1 - parts[::-1].index(marker)
            return f"{parts[0]}: {' > '.join(parts[last + 1 :])}"
    return " > ".join(parts)


def _read(commit: str | None) -> Any:
    if commit is None:
        return yaml.safe_load((ROOT / "schema.yml").read_text())
    command = ["git", "show", f"{commit}:schema.yml"]
    return yaml.safe_load(subprocess.check_output(command, cwd=ROOT))


if __name__ == "__main__":
    first, *others = sys.argv[1:]
    found = differences(_read(first), _read(others[0] if others else None))
    for title, is_new in (("New", True), ("Changed or gone", False)):
        print(f"\n{title}")
        for (place, old, new), names in sorted(found.items(), key=lambda each: str(each[0])):
            if (old in ("-", False)) == is_new:
                where = names[0] if len(names) == 1 else f"{len(names)} operations"
                print(f"  {place}: {old} → {new}  ({where})")
