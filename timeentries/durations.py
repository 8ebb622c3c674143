"""How PostgreSQL keeps `duration_seconds`: by a trigger, where SQLite generates the column.

To change what a column is generated from, PostgreSQL would write the table again, and nobody could
read it in the meantime. A trigger can be changed, and what is stored stays.
"""

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLE = "timeentries_timeentry"
# As WholeSeconds computes it (timeentries/constraints.py). Not OF some columns, whose types could
# then not be altered.
KEEP = f"""
    CREATE OR REPLACE FUNCTION timeentries_duration() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.duration_seconds :=
            FLOOR(EXTRACT(EPOCH FROM (NEW.end_time - NEW.start_time)))::bigint - NEW.break_seconds;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER timeentries_duration BEFORE INSERT OR UPDATE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION timeentries_duration();
    ALTER TABLE {TABLE} ALTER COLUMN duration_seconds DROP EXPRESSION IF EXISTS;
"""


def keep_by_trigger(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Turn the generated column into one that a trigger keeps, with all that is stored in it."""
    editor.execute(KEEP)


def generate_again(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Generate the column, without breaks, as before; the table is written again for that."""
    editor.execute("DROP FUNCTION timeentries_duration() CASCADE")
    model = apps.get_model("timeentries", "TimeEntry")
    column = model._meta.get_field("duration_seconds")
    editor.remove_field(model, column)
    editor.add_field(model, column)
    for index in model._meta.indexes:
        if column.name in index.fields:
            editor.add_index(model, index)
