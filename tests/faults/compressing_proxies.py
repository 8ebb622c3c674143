"""Conditional requests through nginx and Apache that compress what they pass on.

nginx makes the tag of a compressed answer weak, Apache appends to it what it did, and both send
on what comes back as it came. A caller behind them must still be able to spare and to protect.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.harness import Caller, Service, Verdict, connects, run, serving, stored_in
from tests.support.servers import NoServer, free_port

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    gzip on; gzip_min_length 1; gzip_proxied any; gzip_types application/json;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{service}; proxy_set_header Host localhost; }}
    }}
}}
"""
APACHE = """
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule filter_module {modules}/mod_filter.so
LoadModule deflate_module {modules}/mod_deflate.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
ServerName localhost
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/log
User nobody
Listen 127.0.0.1:{port}
ProxyPass / http://127.0.0.1:{service}/
AddOutputFilterByType DEFLATE application/json
"""
MODULES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules")


@contextmanager
def nginx(service: int) -> Iterator[int]:
    """Lend the port of an nginx before a service."""
    with _proxy("nginx", ["-c"], NGINX, service) as port:
        yield port


@contextmanager
def apache(service: int) -> Iterator[int]:
    """Lend the port of an Apache before a service."""
    modules = next((path for path in MODULES if Path(path).is_dir()), None)
    if modules is None:
        raise NoServer("no modules of Apache")
    name = "apache2" if shutil.which("apache2", path=_path()) else "httpd"
    with _proxy(name, ["-D", "FOREGROUND", "-f"], APACHE, service, modules=modules) as port:
        yield port


@contextmanager
def _proxy(name: str, options: list[str], text: str, service: int, **words: str) -> Iterator[int]:
    program = shutil.which(name, path=_path())
    if program is None:
        raise NoServer(f"no {name}")
    with tempfile.TemporaryDirectory(prefix="timetracker-") as folder:
        port, configuration = free_port(), Path(folder) / "configuration"
        configuration.write_text(text.format(folder=folder, port=port, service=service, **words))
        process = subprocess.Popen([program, *options, str(configuration)])
        try:
            if not connects(port):
                raise RuntimeError(f"{name} does not answer on port {port}")
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _path() -> str:
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


def look(verdict: Verdict, title: str, service: Service, port: int) -> None:
    """Read, ask again, write with the tag that came, and write with one that is old."""
    direct, behind = Caller(service.ports[0], service.token), Caller(port, service.token)
    behind.headers["Accept-Encoding"] = "gzip"
    entry = direct.entry(service.project, title).body["time_entry"]["id"]
    path, listed = f"/api/v1/time-entries/{entry}", "/api/v1/time-entries?per_page=1"
    seen, page = behind.send("GET", path), behind.send("GET", listed)
    tag, direct_tag = seen.headers["etag"], direct.send("GET", path).headers["etag"]

    behind.headers["If-None-Match"] = tag
    again = behind.send("GET", path)
    behind.headers["If-None-Match"] = page.headers["etag"]
    page_again = behind.send("GET", listed)
    del behind.headers["If-None-Match"]

    behind.headers["If-Match"] = tag
    written = behind.send("PATCH", path, title, notes="Once")
    refused = behind.send("PATCH", path, title, notes="Twice")
    behind.headers["If-Match"] = written.headers["etag"]
    deleted = behind.send("DELETE", path)
    answers = [answer.status for answer in (seen, again, page_again, written, refused, deleted)]
    verdict.line(
        title,
        {"tag": tag, "GET, again, list again, PATCH, stale PATCH, DELETE": answers},
        compressed=seen.headers.get("content-encoding") == "gzip",
        tag_was_changed=tag != direct_tag,
        as_without_a_proxy=answers == [200, 304, 304, 200, 412, 200],
    )


def rounds(verdict: Verdict, kind: str, count: int) -> None:
    """Ask through both, as often as asked."""
    for _ in range(count):
        with stored_in(kind) as database, serving(database) as service:
            for title, proxy in (("nginx", nginx), ("Apache", apache)):
                with proxy(service.ports[0]) as port:
                    look(verdict, title, service, port)


if __name__ == "__main__":
    sys.exit(run("compressing_proxies", rounds, databases=("sqlite",)))
