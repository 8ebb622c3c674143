"""Who and what the fault scripts work with; run in the tree and settings of a service.

Migrates the database and prints the secrets as JSON: `python -m tests.faults.cast 30`, with a
second number for so many more people who have a token each.
"""

import json
import os
import sys

import django


def make(tokens: int, people: int = 0) -> dict[str, object]:
    """Return two administrators' tokens, many of one user, one of each other, and a project."""
    from apitokens.models import ApiToken
    from projects.models import Project
    from users.models import User

    olga = User.objects.create_user("olga")
    administrators = [User.objects.create_superuser(name) for name in ("ada", "adam")]
    scopes = ["write:time_entries", "read:users", "read:projects", "write:webhooks"]
    issued = [
        ApiToken.issue(user=olga, name=f"fault {number}", scopes=scopes)
        for number in range(tokens)
    ]
    others = [User.objects.create_user(f"person {number}") for number in range(people)]
    return {
        "user": olga.pk,
        "project": Project.objects.create(name="Site").pk,
        "administrators": [
            ApiToken.issue(user=user, name="fault", scopes=["admin:all"])[1]
            for user in administrators
        ],
        "tokens": {token.pk: secret for token, secret in issued},
        "people": [ApiToken.issue(user=user, name="fault", scopes=scopes)[1] for user in others],
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "timetracker.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps(make(*map(int, sys.argv[1:]))))
