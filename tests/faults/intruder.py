"""What someone without a password gets from the login of apps: rates, times and names.

`python -m tests.faults.intruder` starts a service and prints figures; it fails where an unknown
name, a wrong password and an inactive user can be told apart by their answers. How far times tell
them apart is printed for a reader to judge: the machine's noise is in them.
"""

import statistics
import subprocess
import sys
import time
from collections import Counter

from tests.faults.harness import Caller, Service, serving, stored_in

ROUNDS = 12
NAMES = {"wrong password": "ada", "inactive": "olga", "unknown": "nobody", "no password": "adam"}
PREPARE = """
import django; django.setup()
from django.contrib.auth import get_user_model
users = get_user_model().objects
for name, active in (("ada", True), ("olga", False)):
    user = users.get(username=name)
    user.set_password("a-l0ng-pass-word"); user.is_active = active; user.save()
"""


def main() -> int:
    """Print rates and times; return 1 if answers differ."""
    with (
        stored_in("sqlite") as database,
        serving(database, TRUSTED_PROXIES="127.0.0.1") as service,
    ):
        _prepare(service)
        same = _times(service)
        _rates(service)
    return 0 if same else 1


def _guess(service: Service, name: str, address: str) -> tuple[int, dict[str, object], float]:
    caller = Caller(service.ports[0], keeps=False)
    caller.headers["X-Forwarded-For"] = address
    answer = caller.send("POST", "/api/v1/auth/login", username=name, password="guessed")
    return answer.status, answer.body, answer.received - answer.sent


def _prepare(service: Service) -> None:

    environment = {**service.environment, "DJANGO_SETTINGS_MODULE": "timetracker.settings"}
    command = [sys.executable, "-c", PREPARE]
    subprocess.run(command, cwd=service.tree, env=environment, check=True)


def _times(service: Service) -> bool:
    """Time refusals of each kind in turn, each from an address of its own, and compare them."""
    taken: dict[str, list[float]] = {kind: [] for kind in NAMES}
    bodies = set()
    for number in range(ROUNDS):
        for place, (kind, name) in enumerate(NAMES.items()):
            # The account allows ten: the last rounds meet its limit, and are not timed.
            address = f"198.51.100.{number * len(NAMES) + place}"
            status, body, seconds = _guess(service, name, address)
            if status == 401:
                taken[kind].append(seconds)
                body.pop("request_id")
                bodies.add(str(sorted(body.items())))
    for kind, seconds_of in taken.items():
        middle = statistics.median(seconds_of) * 1000
        spread = statistics.stdev(seconds_of) * 1000
        print(
            f"{kind:15} {len(seconds_of):3} refused  median {middle:6.0f} ms  ± {spread:4.0f} ms"
        )
    print(f"different refusals: {len(bodies)}")
    return len(bodies) == 1


def _rates(service: Service) -> None:
    """Guess as fast as the service answers, from one address and then at one account."""
    names = (f"user{number}" for number in range(10_000))
    started, statuses = time.monotonic(), Counter[int]()
    while time.monotonic() < started + 10:
        statuses[_guess(service, next(names), "203.0.113.1")[0]] += 1
    print(f"10 s from one address: {dict(statuses)}")
    statuses = Counter(_guess(service, "victim", f"192.0.2.{n}")[0] for n in range(30))
    print(f"30 addresses at one account: {dict(statuses)}")


if __name__ == "__main__":
    raise SystemExit(main())
