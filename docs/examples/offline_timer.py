"""A timer that never loses an hour, online or not; docs/offline-clients.md explains it.

start 7 "Site visit" begins an hour of project 7, stop ends it, sync sends what waits and brings
the copy of all rows up to date. TIMETRACKER_URL and TIMETRACKER_TOKEN say where and as whom.
"""

import argparse
import json
import os
import random
import sqlite3
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

TABLES = """
CREATE TABLE IF NOT EXISTS queue (number INTEGER PRIMARY KEY, key, body, refusal);
CREATE TABLE IF NOT EXISTS copy (type, id, data, PRIMARY KEY (type, id));
CREATE TABLE IF NOT EXISTS note (name PRIMARY KEY, value);
"""
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
FIRST_WAIT, LONGEST_WAIT = 0.2, 60.0  # seconds


def note(database: sqlite3.Connection, name: str) -> str | None:
    """Return a word that was kept."""
    found = database.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
    return found and str(found[0])


def start(database: sqlite3.Connection, project: int, notes: str) -> None:
    """Begin an hour; no network is needed."""
    hour = {"project_id": project, "notes": notes, "start_time": datetime.now(UTC).isoformat()}
    with database:
        begin = "INSERT OR IGNORE INTO note VALUES ('running', ?)"
        if not database.execute(begin, (json.dumps(hour),)).rowcount:
            sys.exit("A timer runs already: stop it first.")


def stop(database: sqlite3.Connection) -> None:
    """End the hour and queue it, in one step, with the id that makes it one hour for good."""
    with database:
        taken = "DELETE FROM note WHERE name = 'running' RETURNING value"  # by one of two who try
        if not (running := database.execute(taken).fetchall()):
            sys.exit("No timer runs.")
        key, now = str(uuid.uuid4()), datetime.now(UTC).isoformat()
        hour = json.loads(running[0][0]) | {"end_time": now, "external_id": key}
        database.execute("INSERT INTO queue (key, body) VALUES (?, ?)", (key, json.dumps(hour)))


def request(api: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    """Return an answer that decides; while there is none, try again, ever more slowly."""
    wait = FIRST_WAIT
    while True:
        pause = random.uniform(wait / 2, wait)  # noqa: S311 - so that not all come at once
        try:
            response = api.request(method, path, **options)
        except httpx.TransportError:  # refused, timed out, cut off: was it done? send it again
            pass
        else:
            if response.status_code in (401, 403):
                sys.exit(f"{response.json()['message']}. Nothing is lost: sync with a good token.")
            if response.status_code not in TRY_AGAIN:
                return response
            pause = max(pause, float(response.headers.get("Retry-After", 0)))
        time.sleep(pause)
        wait = min(2 * wait, LONGEST_WAIT)


def send(api: httpx.Client, database: sqlite3.Connection) -> None:
    """Send what waits, oldest first; it leaves the queue only when the service has it."""
    waiting = "SELECT number, key, body FROM queue WHERE refusal IS NULL ORDER BY number LIMIT 1"
    while found := database.execute(waiting).fetchone():
        number, key, body = found
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        answer = request(api, "POST", "/api/v1/time-entries", content=body, headers=headers)
        refusal = {} if answer.is_success else answer.json()
        with database:
            if not refusal or refusal["error_code"] == "external_id_taken":  # it is there
                database.execute("DELETE FROM queue WHERE number = ?", (number,))
            else:  # no retry will help: keep it for a person to look at
                why = (refusal["message"], number)
                database.execute("UPDATE queue SET refusal = ? WHERE number = ?", why)


def follow(api: httpx.Client, database: sqlite3.Connection) -> None:
    """Bring the copy up to date; the cursor moves in the transaction of the rows it led to."""
    more = True
    while more:
        cursor = note(database, "cursor")
        params = {"cursor": cursor} if cursor else {}
        answer = request(api, "GET", "/api/v1/changes", params=params)
        with database:
            if answer.status_code == httpx.codes.GONE:  # begin again
                database.execute("DELETE FROM note WHERE name = 'cursor'")
                database.execute("DELETE FROM copy")
                continue
            told = answer.raise_for_status().json()
            for change in told["changes"]:
                row = (change["type"], change["id"], json.dumps(change["data"]))
                database.execute("DELETE FROM copy WHERE type = ? AND id = ?", row[:2])
                if change["op"] == "upsert":
                    database.execute("INSERT INTO copy VALUES (?, ?, ?)", row)
            database.execute("REPLACE INTO note VALUES ('cursor', ?)", (told["next_cursor"],))
        more = told["has_more"]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "sync"])
    parser.add_argument("project", type=int, nargs="?", default=0)
    parser.add_argument("notes", nargs="?", default="")
    options = parser.parse_args()
    database = sqlite3.connect(os.environ.get("TIMETRACKER_STORE", "timer.sqlite3"), timeout=30)
    database.executescript(TABLES)  # from here on each `with database` is all or nothing on disk
    if options.command == "start":
        start(database, options.project, options.notes)
    elif options.command == "stop":
        stop(database)
    else:
        token = {"Authorization": f"Bearer {os.environ['TIMETRACKER_TOKEN']}"}
        url = os.environ["TIMETRACKER_URL"]
        with httpx.Client(base_url=url, headers=token, timeout=10) as api:
            send(api, database)
            follow(api, database)


if __name__ == "__main__":
    main()
