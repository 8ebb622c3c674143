"""An installation moves from SQLite to PostgreSQL and back, and the other way round."""

from pathlib import Path

import pytest
from django.db import connection

from tests.moving.conftest import exported, imported
from tests.moving.test_round_trip import files_in
from tests.moving.world import make_everything, state
from tests.support.emptying import empty_tables
from tests.support.trees import copy_of_this, run


@pytest.mark.slow
def test_the_files_are_the_same_from_either_database(
    transactional_db: None, tmp_path: Path
) -> None:
    """On PostgreSQL's leg: a copy of this checkout has a SQLite of its own, which nobody sets."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL beside SQLite")
    tree = copy_of_this(tmp_path / "tree")
    folders = [tmp_path / f"export{number}" for number in range(4)]
    make_everything()
    before = state()
    exported(folders[0])
    run(tree, "manage.py", "migrate")
    run(tree, "manage.py", "import_data", folders[0])
    run(tree, "manage.py", "rebuild_tallies", "--check")
    run(tree, "manage.py", "export_data", folders[1])
    empty_tables()
    imported(folders[1])
    assert state() == before
    exported(folders[2])
    run(tree, "manage.py", "flush", "--noinput")
    run(tree, "manage.py", "import_data", folders[2])
    run(tree, "manage.py", "export_data", folders[3])
    first = files_in(folders[0])
    assert [files_in(folder) == first for folder in folders] == [True] * 4
