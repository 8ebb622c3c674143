"""Schemathesis asks a running server everything that the published schema allows, and forbids.

As an administrator and as an ordinary user, with `--rounds` hundred examples of each operation.
`--rounds 0` is the short leg of the tests: few examples, as an administrator, the same every time.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.harness import Service, Verdict, run, serving, stored_in

SHORT = ("--max-examples", "2", "--seed", "1")


def fuzz(service: Service, secret: str, *options: str) -> dict[str, Any]:
    """Return what schemathesis found; its own words are printed if it found anything."""
    report = service.tree / "fuzz.json"
    program = Path(sys.executable).with_name("schemathesis")
    command: list[str | Path] = [
        program,
        "--config-file",
        service.tree / "tests/faults/schemathesis.toml",
    ]
    command += [
        "run",
        service.tree / "schema.yml",
        "--url",
        f"http://127.0.0.1:{service.ports[0]}",
    ]
    command += ["--continue-on-failure", "--report-json-path", report, *options]
    environment = {**os.environ, "FUZZ_TOKEN": secret, "PYTHONPATH": str(service.tree)}
    ran = subprocess.run(
        command, cwd=service.tree, env=environment, capture_output=True, text=True
    )
    if ran.returncode:
        print(ran.stdout, ran.stderr)
    result: dict[str, Any] = json.loads(report.read_text())
    return result


def statuses_logged(service: Service) -> Counter[int]:
    """Return how often the server's access log tells of each status."""
    lines = service.log(service.ports[0]).read_text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return Counter(event["status"] for event in events if "status" in event)


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Ask with both tokens, each request from an address of its own; see fuzz_hooks.py."""
    options = ("--max-examples", str(100 * count)) if count else SHORT
    with stored_in(kind) as database, serving(database, TRUSTED_PROXIES="127.0.0.1") as service:
        secrets = {"administrator": service.administrators[0], "user": service.token}
        for who, secret in secrets.items():
            report = fuzz(service, secret, *options)
            cases, answers = report["test_cases"], statuses_logged(service)
            verdict.line(
                f"{database.title}, as {who}, seed {report['seed']}",
                {
                    "cases": cases["generated"],
                    "failures": cases["unique_failures"],
                    "requests of the service so far": answers.total(),
                    "of them 5xx": sum(answers[status] for status in answers if status >= 500),
                    "took": report["running_time"],
                },
                finished=report["complete"],
                nothing_found=not cases["unique_failures"] and not cases["errored"],
                no_5xx=all(status < 500 for status in answers),
            )
            if not count:
                return


if __name__ == "__main__":
    sys.exit(run("fuzz", rounds))
