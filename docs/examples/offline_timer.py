"""A timer that never loses an hour, online or not; docs/offline-clients.md explains it.

start 7 "Site visit" begins an hour of project 7, stop ends it, sync sends the queue and updates
the copy. Set TIMETRACKER_URL, TIMETRACKER_TOKEN and, for each user, a file TIMETRACKER_STORE.
"""

import argparse
import json
import os
import random
import sqlite3
import sys
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

TABLES = """
CREATE TABLE IF NOT EXISTS queue (number INTEGER PRIMARY KEY, key, body);
CREATE TABLE IF NOT EXISTS copy (type, id, data, PRIMARY KEY (type, id));
CREATE TABLE IF NOT EXISTS note (name PRIMARY KEY, value);
"""
OURS = {"time_entry", "changes", "error_code"}  # each answer of the service has one of them
FIRST_WAIT, LONGEST_WAIT, LONGEST_PAUSE = 0.2, 60.0, 3600.0  # seconds; the last if asked for


def start(database: sqlite3.Connection, project: int, notes: str) -> None:
    """Begin an hour; no network is needed."""
    hour = {"project_id": project, "notes": notes, "start_time": datetime.now(UTC).isoformat()}
    with database:
        begin = "INSERT OR IGNORE INTO note VALUES ('running', ?)"
        if not database.execute(begin, (json.dumps(hour),)).rowcount:
            sys.exit("A timer is already running. Stop it first.")


def stop(database: sqlite3.Connection) -> None:
    """End the hour and queue it, in one step, with the id that makes it one hour for good."""
    with database:
        taken = "DELETE FROM note WHERE name = 'running' RETURNING value"  # atomic, if two try
        if not (running := database.execute(taken).fetchall()):
            sys.exit("No timer is running.")
        key, now = str(uuid.uuid4()), datetime.now(UTC).isoformat()
        hour = json.loads(running[0][0]) | {"end_time": now, "external_id": key}
        database.execute("INSERT INTO queue (key, body) VALUES (?, ?)", (key, json.dumps(hour)))


def request(api: httpx.Client, method: str, path: str, **options: Any) -> dict[str, Any]:
    """Return an answer that decides; while there is none, try again, ever more slowly."""
    wait = FIRST_WAIT
    while True:
        pause = random.uniform(wait / 2, wait)  # noqa: S311 - so that not all come at once
        with suppress(httpx.RequestError):  # refused, timed out, cut off: send it again
            answer = api.request(method, path, **options)
            if not (answer.is_server_error or answer.status_code in (408, 425, 429)):
                return said(answer)
            pause = max(pause, retry_after(answer))
        time.sleep(pause)
        wait = min(2 * wait, LONGEST_WAIT)


def retry_after(answer: httpx.Response) -> float:
    """Return the seconds that are asked for, as such or as a date (RFC 9110 §10.2.3)."""
    asked = answer.headers.get("Retry-After", "0")
    with suppress(ValueError, OverflowError):
        date = None if asked.isdecimal() else parsedate_to_datetime(asked)
        return min(date.timestamp() - time.time() if date else float(asked), LONGEST_PAUSE)
    return 0.0


def said(answer: httpx.Response) -> dict[str, object]:
    """Return the service's response, or an error if a proxy or portal responded."""
    with suppress(ValueError):
        body = answer.json()
        if isinstance(body, dict) and OURS & body.keys():
            if answer.status_code in (401, 403):
                sys.exit(f"{body['message']}. Nothing is lost: sync again with a valid token.")
            return body
    why = f"The response ({answer.status_code}) did not come from the service. Sync again later."
    return {"message": why}


def send(api: httpx.Client, database: sqlite3.Connection) -> None:
    """Send the queue, oldest first; print rejected entries and keep them for the next sync."""
    waiting = database.execute("SELECT number, key, body FROM queue ORDER BY number").fetchall()
    for number, key, body in waiting:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        answer = request(api, "POST", "/api/v1/time-entries", content=body, headers=headers)
        if "time_entry" in answer or answer.get("error_code") == "external_id_taken":
            with database:
                database.execute("DELETE FROM queue WHERE number = ?", (number,))
        else:
            print(f"Rejected: {answer['message']} {body}", flush=True)


def follow(api: httpx.Client, database: sqlite3.Connection) -> None:
    """Bring the copy up to date; the cursor moves in the transaction of the rows it led to."""
    found = database.execute("SELECT value FROM note WHERE name = 'cursor'").fetchone()
    cursor, more = found and found[0], True
    while more:
        since = {"cursor": cursor} if cursor else {}
        answer = request(api, "GET", "/api/v1/changes", params=since)
        if cursor and answer.get("error_code") == "cursor_expired":  # 410: start again
            cursor = None
            continue
        if answer.get("error_code") == "validation_error":  # 400: another user's cursor
            sys.exit("This store belongs to another user. Set TIMETRACKER_STORE. Nothing is lost.")
        if "changes" not in answer:
            sys.exit(f"{answer['message']} Nothing is lost.")
        with database:
            if not cursor:
                database.execute("DELETE FROM copy")
            for change in answer["changes"]:
                row = (change["type"], change["id"], json.dumps(change["data"]))
                database.execute("DELETE FROM copy WHERE type = ? AND id = ?", row[:2])
                if change["op"] == "upsert":
                    database.execute("INSERT INTO copy VALUES (?, ?, ?)", row)
            cursor, more = answer["next_cursor"], answer["has_more"]
            database.execute("REPLACE INTO note VALUES ('cursor', ?)", (cursor,))


def main() -> None:
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
            follow(api, database)  # first: the feed knows its user, and books for no other
            send(api, database)
            follow(api, database)
        if waiting := database.execute("SELECT count(*) FROM queue").fetchone()[0]:
            sys.exit(f"{waiting} waiting for the next sync.")


if __name__ == "__main__":
    main()
