"""What the OpenAPI document says of each action of a resource."""

# action: (summary, description)
UPDATE = (
    "Update a {one}",
    "Changes only the fields that are sent, by PUT as by PATCH. Read-only ones are ignored.",
)
TEXTS = {
    "list": ("List {many}", "One page of the {many} that the token's user may see."),
    "create": ("Create a {one}", "An unknown field is 400, with the name that was meant."),
    "retrieve": ("Get a {one}", "The {one} of an id."),
    "update": UPDATE,
    "partial_update": UPDATE,
    "destroy": ("Delete a {one}", "Gone for good."),
    "retrieve_by_external_id": (
        "Get a {one} by your own id",
        "The {one} to which you gave this `external_id`.",
    ),
    "update_by_external_id": (
        "Update a {one} by your own id",
        "Changes the fields that are sent of the {one} to which you gave this `external_id`.",
    ),
    "destroy_by_external_id": (
        "Delete a {one} by your own id",
        "Deletes the {one} to which you gave this `external_id`; a project is archived.",
    ),
    "upsert": (
        "Create or update a {one} by your own id",
        (
            "Changes the {one} to which you gave this `external_id` (200), or creates it (201)."
            " The id is yours: other users may give the same one to another {one}."
        ),
    ),
    "bulk": (
        "Write many {many}",
        (
            "Up to 500 operations, in their order, each judged and answered as if it came alone."
            " The request is answered 200 whatever became of them: look at `committed` and at"
            " each `status`. In the mode `atomic` nothing is written if one operation fails, and"
            " the others then have the status 424. With `dry_run` nothing is written at all."
        ),
    ),
}
