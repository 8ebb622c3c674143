"""An export of an installation with something of everything."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.moving.world import make_everything
from tests.support.emptying import empty_tables

Command = Callable[[Path], str]


def exported(folder: Path) -> str:
    """What `export_data` says."""
    out = StringIO()
    call_command("export_data", str(folder), stdout=out)
    return out.getvalue()


def imported(folder: Path) -> str:
    """What `import_data` says."""
    out = StringIO()
    call_command("import_data", str(folder), stdout=out)
    return out.getvalue()


@pytest.fixture
def export(transactional_db: None, tmp_path: Path) -> Path:
    """An export of everything; the database is empty again."""
    folder = tmp_path / "export"
    make_everything()
    exported(folder)
    empty_tables()
    return folder
