"""App declaration of the books."""

from django.db.models.signals import post_migrate

from registry.config import ApiAppConfig


class BooksConfig(ApiAppConfig):
    """The books: until when they are closed."""

    name = "books"
    tags = {"Books": "The day through which time entries can no longer be written."}
    examples = {"Books": {"closed_through": "2024-01-31"}}

    def ready(self) -> None:
        """Look after each migration whether the triggers are there: a remade table has none."""
        post_migrate.connect(_install, sender=self)


def _install(using: str, **_: object) -> None:
    from books.triggers import install  # models can be imported only now

    install(using)
