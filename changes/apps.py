"""The change feed as an app."""

from registry.config import ApiAppConfig


class ChangesConfig(ApiAppConfig):
    """The feed of every row and every change."""

    name = "changes"
    label = "change_feed"  # `changes` is the journal's, by whose name its tables are called
    tags = {"Changes": "A feed of all changes, in order."}
    examples = {
        "ChangeList": {
            "changes": [
                {
                    "seq": 1208,
                    "type": "time_entry",
                    "id": 42,
                    "op": "delete",
                    "data": None,
                    "changed_at": "2024-01-15T17:00:00Z",
                    "changed_by": 2,
                }
            ],
            "next_cursor": "MSA4ZjE0ZTQ1ZmNlZWExNjdhIDEyMDggMiBvd24gY2xpZW50LHByb2plY3Q",
            "has_more": False,
        },
        "Change": {
            "seq": 1207,
            "type": "time_entry",
            "id": 41,
            "op": "delete",
            "data": None,
            "changed_at": "2024-01-15T16:00:00Z",
            "changed_by": 2,
        },
    }
