"""What someone without a password gets from the login of apps: rates, times and names.

`python -m tests.faults.intruder` starts a service and prints figures; it fails where an unknown
name, a wrong password and an inactive user can be told apart by their answers. Their times are
taken in shuffled order and printed with their deviation, and with how often chance alone would
set the medians as far apart: the machine's noise is in them.
"""

import random
import statistics
import subprocess
import sys
import time
from collections import Counter

from tests.faults.harness import Caller, Service, serving, stored_in

ACCOUNTS, GUESSES = 3, 9  # of each kind, and at each account, which allows ten
KINDS = ("wrong password", "inactive", "no password", "unknown")
SHUFFLES = 5000
PREPARE = f"""
import django; django.setup()
from django.contrib.auth import get_user_model
create = get_user_model().objects.create_user
for number in range({ACCOUNTS}):
    create(f"wrong-password-{{number}}", password="a-l0ng-pass-word")
    create(f"inactive-{{number}}", password="a-l0ng-pass-word", is_active=False)
    create(f"no-password-{{number}}")
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
    """Time refusals of each kind in shuffled order, each from an address of its own."""
    guesses = [
        (kind, f"{kind.replace(' ', '-')}-{number}")
        for kind in KINDS
        for number in range(ACCOUNTS)
        for _ in range(GUESSES)
    ]
    shuffled = random.Random(7)  # noqa: S311 - the same order each time
    shuffled.shuffle(guesses)
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    bodies = set()
    for number, (kind, name) in enumerate(guesses):
        status, body, seconds = _guess(service, name, f"198.51.100.{number}")
        body.pop("request_id")
        bodies.add((status, str(sorted(body.items()))))
        taken[kind].append(seconds * 1000)
    for kind, times in taken.items():
        quarters = statistics.quantiles(times)
        print(
            f"{kind:15} {len(times):3} refused  median {quarters[1]:6.0f} ms"
            f"  quarters {quarters[0]:4.0f} to {quarters[2]:4.0f}"
            f"  deviation {statistics.stdev(times):4.0f} ms"
        )
    print(_by_chance(taken, shuffled))
    print(f"different refusals: {len(bodies)}")
    return len(bodies) == 1


def _by_chance(taken: dict[str, list[float]], shuffled: random.Random) -> str:
    """Say how far apart the medians are, and how often those of shuffled times would be."""
    times = [each for of_kind in taken.values() for each in of_kind]
    apart, size, as_far = _spread([*taken.values()]), ACCOUNTS * GUESSES, 0
    for _ in range(SHUFFLES):
        shuffled.shuffle(times)
        parts = [times[first : first + size] for first in range(0, len(times), size)]
        as_far += _spread(parts) >= apart
    return f"medians {apart:.0f} ms apart; by chance as far in {as_far / SHUFFLES:.0%} of cases"


def _spread(parts: list[list[float]]) -> float:
    middles = [statistics.median(part) for part in parts]
    return max(middles) - min(middles)


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
