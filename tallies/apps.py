"""App configuration of the tallies."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TalliesConfig(AppConfig):
    """Tallies: exact totals and list versions."""

    name = "tallies"

    def ready(self) -> None:
        """Look after each migration whether the triggers are there: a remade table has none."""
        post_migrate.connect(_install, sender=self)


def _install(using: str, **_: object) -> None:
    from tallies.triggers import install  # models can be imported only now

    install(using)
