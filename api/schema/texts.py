"""The words of the OpenAPI document for each action of a resource."""

import re

# Words that sound as if they began with a vowel; "user" and "unit" do not.
VOWEL_SOUND = re.compile(r"(?!eu|one\b)[aeio]|u(?!s|ni)|hour", re.IGNORECASE)

# action: (summary, description)
UPDATE = (
    "Update {a_one}",
    "Changes only the fields that you send: PUT works like PATCH. Ignores read-only fields.",
)
TEXTS = {
    "list": ("List {many}", "Returns a page of the {many} that the token's user may see."),
    "create": (
        "Create {a_one}",
        "An unknown field is refused with 400; the message suggests the closest known name.",
    ),
    "retrieve": ("Get {a_one}", "Returns the {one} with this id."),
    "update": UPDATE,
    "partial_update": UPDATE,
    "destroy": ("Delete {a_one}", "Deletes the {one} permanently."),
    "retrieve_by_external_id": (
        "Get {a_one} by external id",
        "Returns the {one} to which you gave this `external_id`.",
    ),
    "update_by_external_id": (
        "Update {a_one} by external id",
        "Changes only the fields that you send of the {one} to which you gave this `external_id`.",
    ),
    "destroy_by_external_id": (
        "{remove} {a_one} by external id",
        "{remove}s the {one} to which you gave this `external_id`.",
    ),
    "upsert": (
        "Create or update {a_one} by external id",
        (
            "Updates the {one} to which you gave this `external_id` (200), or creates it (201)."
            " External ids are your own: other users may give the same one to another {one}."
        ),
    ),
    "bulk": (
        "Create, update and delete {many} in bulk",
        (
            "Up to 500 operations, carried out in order; each is checked and answered as if it"
            " were sent alone. The response is 200 even if they fail: check `committed` and"
            " each `status`. In `atomic` mode nothing is written if one operation fails, and the"
            " others get the status 424. With `dry_run` nothing is written at all."
        ),
    ),
}


def with_article(noun: str) -> str:
    """Return "an expense" or "a client"."""
    return f"an {noun}" if VOWEL_SOUND.match(noun) else f"a {noun}"
