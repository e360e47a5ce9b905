"""An API with the answers that a test gives it, which keeps the requests."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakeApi:
    """Answers by method and path; asked for anything else, it answers 404."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                octets = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                is_json = self.headers.get("Content-Type") == "application/json"
                api.asked.append((f"{self.command} {self.path}", json.loads(octets) if is_json else octets))
                api.headers.append(dict(self.headers))
                path = self.path.partition("?")[0]
                missing = (404, {"detail": f"There is no {path}."})
                status, value = api.answers.get(f"{self.command} {path}", missing)
                body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """Return an API at the place where the commands look for it."""
    api = FakeApi()
    monkeypatch.setenv("POSTROAD_WEB_PORT", str(api.server.server_address[1]))
    thread = threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


def message(ident: str = "A1", **changes: Any) -> dict[str, Any]:
    """Return a message as the API shows it."""
    return {
        "id": ident,
        "number": 7,
        "state": "captured",
        "sender": "noreply@shop.example",
        "recipients": [{"address": "customer@example.com"}],
        "subject": "Your order",
        "content": {
            "text": "Hello\x1b\nthere\n",
            "html": "<p>Hello</p>",
            "links": [{"url": "https://shop.example/a"}, {"url": "https://shop.example/b"}],
            "codes": [{"value": "123456"}],
        },
        **changes,
    }
