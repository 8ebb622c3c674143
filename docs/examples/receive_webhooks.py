"""Run it as `WEBHOOK_SECRET=whsec_… python receive_webhooks.py 9000`."""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
seen: set[str] = set()  # keep it in your database, with the work that an event leads to


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 204 if self.is_genuine(body) else 401
        self.send_response(status)
        self.end_headers()  # answered within a moment: work comes afterwards
        if status == 204 and self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            event = json.loads(body)
            print(event["type"], json.dumps(event["data"]), flush=True)

    def is_genuine(self, body: bytes) -> bool:
        stamp = self.headers.get("webhook-timestamp", "0")
        signed = f"{self.headers.get('webhook-id')}.{stamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
        given = self.headers.get("webhook-signature", "").split()
        is_recent = stamp.isdecimal() and abs(time.time() - int(stamp)) < 300
        return is_recent and any(hmac.compare_digest(expected, each) for each in given)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
