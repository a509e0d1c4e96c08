"""A receiver of webhooks: a tiny HTTP server that checks signatures as the specification says."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

WAIT_SECONDS = 20.0
TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Received:
    """One POST, as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    def verify(self, secret: str) -> None:
        """Check the signature, as a receiver does before it believes anything."""
        assert abs(time.time() - int(self.headers["webhook-timestamp"])) < TOLERANCE_SECONDS
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert hmac.compare_digest(self.headers["webhook-signature"], expected)


class Receiver:
    """Listens in a thread. ``answer`` gives the status of each POST, or 0 for silence until the end."""

    def __init__(self, answer: Callable[[Received], int] = lambda _: 200) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self._ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, enough: Callable[[list[Received]], Any], seconds: float = WAIT_SECONDS) -> None:
        until = time.monotonic() + seconds
        while not enough(self.received):
            assert time.monotonic() < until, [(each.id, each.event["type"]) for each in self.received]
            time.sleep(0.02)

    def of_kind(self, kind: str) -> list[Received]:
        return [each for each in self.received if each.event["type"] == kind]

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the handler below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Received(self.path, headers, body, time.monotonic())
                receiver.received.append(got)
                status = receiver.answer(got)
                if status == 0:
                    receiver._ending.wait()
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Location", receiver.url + "/elsewhere")
                answer = b"" if status == HTTPStatus.NO_CONTENT else b"ok"
                if answer:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
