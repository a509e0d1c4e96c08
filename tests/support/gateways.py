"""A payment gateway that answers octet for octet what a test tells it to: a tiny HTTP server without rules."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Said:
    """One answer, as it goes over the wire."""

    status: int
    body: bytes


def said(status: int, /, **fields: Any) -> Said:
    return Said(status, json.dumps(fields).encode())


@dataclass
class TalkingGateway:
    """Answers every confirm with ``confirm``, and every look-up with ``look_up``; tests may change both."""

    confirm: Said = field(default_factory=lambda: said(500, code="COMMON_ERROR", message=""))
    look_up: Said = field(default_factory=lambda: said(404, code="NOT_FOUND_PAYMENT", message=""))

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a server that takes payments here, and soon asks again about payments left open."""
        return {
            "gateway_url": self.url,
            "gateway_secret_key": "test_sk_x",
            "gateway_client_key": "test_ck_x",
            "payment_patience_seconds": 1,
            "payment_retry_min_seconds": 1,
            "payment_retry_max_seconds": 1,
            "duty_ms": 100,
        }

    def _handler(gateway) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the handler below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self._say(gateway.confirm)

            def do_GET(self) -> None:
                self._say(gateway.look_up)

            def _say(self, answer: Said) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
