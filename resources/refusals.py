"""Why a rule about stored rows refuses a write; it is the API that makes a status of it."""

from django.db import models


class Refusal(Exception):
    """A write that conflicts with stored data."""

    def __init__(self, sentence: str, code: str = "conflict") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.shown: dict[str, object] = {}  # more members of the response


class Invalid(Refusal):
    """A check does not admit the value of a field, named as on the wire."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence, "invalid")
        self.field = field


class Taken(Refusal):
    """Another row has the same unique key."""

    def __init__(self, constraint: models.UniqueConstraint, sentence: str, code: str) -> None:
        super().__init__(sentence, code)
        self.constraint = constraint
        self.pk: int | None = None  # of the other row, whether or not the caller may see it


class Vanished(Refusal):
    """The row was deleted while this was on its way."""
