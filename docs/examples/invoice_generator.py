"""Makes an invoice for each client and month; docs/money.md explains it.

`invoice_generator.py 2026-10 invoices` bills October and writes a JSON file for each client that
has billable hours. Run it again if it was interrupted, as often as you like. Set TIMETRACKER_URL
and TIMETRACKER_TOKEN: an administrator's token with `write:time_entries` and `read:clients`.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

TRIES, FIRST_WAIT, LONGEST_WAIT = 10, 1.0, 60.0  # seconds
BUSY = (429, 502, 503, 504)


def request(api: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    """Return an answer that decides; every request here may be sent again."""
    wait = FIRST_WAIT
    for _ in range(TRIES):
        pause = wait
        with suppress(httpx.RequestError):  # refused, timed out, cut off
            answer = api.request(method, path, **options)
            if answer.status_code not in BUSY:
                return answer
            asked = answer.headers.get("Retry-After", "")
            pause = float(asked) if asked.isdecimal() else wait
        time.sleep(pause)
        wait = min(2 * wait, LONGEST_WAIT)
    sys.exit("The service does not answer. Nothing is lost: run this again later.")


def read(answer: httpx.Response) -> dict[str, Any]:
    """Return the body of an answer that is a success, or end with the reason."""
    if not answer.is_success:
        sys.exit(f"{answer.request.method} {answer.request.url}: {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


def clients(api: httpx.Client) -> Iterator[dict[str, Any]]:
    """Yield every client; those that are no longer active may still have hours to pay."""
    page: dict[str, str] = {}
    while True:
        body = read(request(api, "GET", "/api/v1/clients", params={"per_page": "100", **page}))
        yield from body["clients"]
        if not (cursor := body["pagination"]["next_cursor"]):
            return
        page = {"cursor": cursor}


def bill(api: httpx.Client, reference: str, selection: dict[str, Any]) -> dict[str, Any] | None:
    """Bill a client's month and return it with its lines; None if there is nothing to bill.

    The reference is the same in every run. So if the answer gets lost, the next one is the same.
    """
    answer = request(api, "POST", "/api/v1/billing", json={"reference": reference, **selection})
    if answer.status_code == 409 and answer.json()["error_code"] == "nothing_to_bill":
        return None
    read(answer)
    billed: dict[str, Any] = read(request(api, "GET", f"/api/v1/billing/{quote(reference)}"))
    return dict(billed["billing"])


def write(path: Path, invoice: dict[str, Any]) -> None:
    """Write a file that is there completely or not at all."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w") as file:
        json.dump(invoice, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def make_invoices(api: httpx.Client, first: date, last: date, folder: Path) -> None:
    """Make the invoices that are not there yet."""
    month = f"{first:%Y-%m}"
    for client in list(clients(api)):
        name = f"client-{client['id']}"  # an id, because a client may be renamed between two runs
        path = folder / f"{month}-{name}.json"
        if path.exists():
            continue
        days = {"start_date": f"{first}", "end_date": f"{last}"}
        billed = bill(api, f"{month}/{name}", {"client_id": client["id"], **days})
        if billed:
            to = {key: client[key] for key in ("id", "name", "company", "address", "email")}
            write(path, {"client": to, **days, **billed})
            print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("month", type=lambda month: date.fromisoformat(f"{month}-01"))
    parser.add_argument("folder", type=Path, nargs="?", default=Path("invoices"))
    options = parser.parse_args()
    last = (options.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if datetime.now(UTC).date() <= last + timedelta(days=1):  # until it is over in all time zones
        sys.exit("This month is not over: what is logged later would not be on its invoices.")
    options.folder.mkdir(parents=True, exist_ok=True)
    token = {"Authorization": f"Bearer {os.environ['TIMETRACKER_TOKEN']}"}
    with httpx.Client(base_url=os.environ["TIMETRACKER_URL"], headers=token, timeout=60) as api:
        make_invoices(api, options.month, last, options.folder)


if __name__ == "__main__":
    main()
