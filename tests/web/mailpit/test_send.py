"""Sending by JSON, and releasing to a real server; toys stand for the app door and for that server."""

from __future__ import annotations

import base64
import json
from ipaddress import ip_address
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from postroad.config import Settings
from postroad.jsontext import MOST_MARKS
from postroad_web.api.problem import Problem
from tests.relay.smtpserver import PretendServer

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from tests.web.dialect import Web

SEND = "/api/v1/send"
ASKED = {"From": {"Email": "shop@alpha.test"}, "To": [{"Email": "bob@beta.test"}], "Bcc": ["eve@beta.test"]}


def settings(web: Web, server: PretendServer, **more: str) -> None:
    environ = {"POSTROAD_LISTEN": "127.0.0.1", "POSTROAD_APP_PORT": str(server.port), **more}
    web.services.settings = Settings.from_environ(environ)
    host = SimpleNamespace(name="relay.postroad.test", address=ip_address("127.0.0.1"))
    web.services.world = SimpleNamespace(host_of=lambda _: host)  # type: ignore[assignment]


class TestSend:
    async def test_a_message_goes_in_by_the_app_door(self, web: Web) -> None:
        async with PretendServer(replies={".": "250 2.0.0 OK: queued as 00056A1B2C3D4"}) as server:
            settings(web, server)
            file = {"Content": base64.b64encode(b"%PDF").decode(), "FileName": "a.pdf"}
            answer = await web.http.post(SEND, json={**ASKED, "Subject": "Hi", "Text": "x", "Attachments": [file]})
            assert (answer.status_code, answer.json()) == (200, {"ID": "00056A1B2C3D4"})
            (mail,) = server.mails
        assert mail.sender.startswith("MAIL FROM:<shop@alpha.test>")
        assert mail.recipients == ["bob@beta.test", "eve@beta.test"]
        assert b"eve@beta.test" not in mail.content
        assert b"Subject: Hi\r\n" in mail.content
        assert b'filename="a.pdf"' in mail.content

    @pytest.mark.parametrize("login", ["alice", ""])
    async def test_the_user_of_the_request_is_that_of_the_message(self, web: Web, login: str) -> None:
        replies = {".": "250 2.0.0 OK: queued as 1", "AUTH": "235 2.7.0 welcome"}
        async with PretendServer(extensions=("PIPELINING", "AUTH PLAIN LOGIN"), replies=replies) as server:
            settings(web, server, **({"POSTROAD_WEB_AUTH": "alice:secret"} if login else {}))
            answer = await web.http.post(SEND, json=ASKED, auth=("alice", "secret"))
            assert answer.status_code == 200
            steps = [command for command in server.commands if command.startswith("AUTH")]
        assert steps == ([f"AUTH PLAIN {base64.b64encode(b'%calice%c-' % (0, 0)).decode()}"] if login else [])

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({**ASKED, "To": [{"Email": "nobody"}]}, "invalid To address: nobody"),
            ({**ASKED, "Headers": {"X Y": "1"}}, "'X Y' is not a name of a header field"),
            ({"From": ASKED["From"]}, "error building message: no recipients (to, cc, bcc) set"),
            ([], "the body is not an object"),
        ],
    )
    async def test_faults_are_json(self, web: Web, body: Any, error: str) -> None:
        async with PretendServer() as server:
            settings(web, server)
            answer = await web.http.post(SEND, json=body)
            assert (answer.status_code, answer.json()) == (400, {"Error": error})
            assert server.mails == []

    async def test_a_body_that_is_too_large(self, web: Web) -> None:
        told: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            raise Problem(413, "The body is too large")  # as the frame around all routes does

        async def send(message: MutableMapping[str, Any]) -> None:
            told.append(message)

        scope = {"type": "http", "method": "POST", "path": SEND, "query_string": b"", "headers": []}
        await web.app(scope, receive, send)
        assert told[0]["status"] == 413
        assert json.loads(told[1]["body"]) == {"Error": "The body is too large"}

    async def test_a_user_that_is_no_text(self, web: Web) -> None:
        async with PretendServer(replies={".": "250 2.0.0 OK: queued as 1"}) as server:
            settings(web, server, POSTROAD_WEB_AUTH="alice:secret")
            answer = await web.http.post(SEND, json=ASKED, headers={"Authorization": "Basic /w=="})
            assert answer.status_code == 200
            assert not any(command.startswith("AUTH") for command in server.commands)

    async def test_a_refusal(self, web: Web) -> None:
        async with PretendServer(replies={"MAIL": "451 4.3.0 Chaos sender error"}) as server:
            settings(web, server)
            answer = await web.http.post(SEND, json=ASKED)
        assert answer.status_code == 400
        assert "Chaos sender error" in answer.json()["Error"]

    async def test_too_many_values(self, web: Web) -> None:
        answer = await web.http.post(SEND, content=b'{"To":[' + b"[]," * MOST_MARKS + b"1]}")
        assert (answer.status_code, answer.json()) == (413, {"Error": "the body has too many values"})

    async def test_nobody_listens(self, web: Web) -> None:
        async with PretendServer() as server:
            settings(web, server)
        answer = await web.http.post(SEND, json=ASKED)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["Error"]


class TestRelease:
    async def release(self, web: Web, ident: str, **body: Any) -> tuple[int, str]:
        answer = await web.http.post(f"/api/v1/message/{ident}/release", json=body)
        return answer.status_code, answer.text

    async def test_off(self, web: Web) -> None:
        ident = web.send("Hello")
        status, text = await self.release(web, ident, To=["real@example.com"])
        assert status == 400
        assert "POSTROAD_RELEASE" in text

    async def test_a_message_goes_on(self, web: Web) -> None:
        async with PretendServer() as server:
            settings(web, server, POSTROAD_RELEASE=f"smtp://127.0.0.1:{server.port}")
            head = "Date: yesterday\r\nMessage-ID: <old@alpha.test>\r\nBcc: a@b.test,\r\n c@d.test\r\n"
            ident = web.send("Hello", more=head)
            assert await self.release(web, ident, to=["real@example.com"]) == (200, "ok")
            (mail,) = server.mails
        assert mail.recipients == ["real@example.com"]
        assert mail.content.count(b"Date:") == mail.content.count(b"Message-ID:") == 1
        assert b"old@alpha.test" not in mail.content
        assert b"c@d.test" not in mail.content
        assert mail.content.endswith(b"Subject: Hello\r\n\r\nSome words.\r\n")

    @pytest.mark.parametrize(
        ("ident", "to", "answer"),
        [
            ("", ["nobody"], (400, "Invalid email address: nobody")),
            ("", [], (400, "No valid addresses found")),
            ("", "a@b.test", (400, "To is not of type []string")),
            ("latest", ["real@example.com"], (404, "404 page not found")),
            ("unknown", ["real@example.com"], (404, "404 page not found")),
        ],
    )
    async def test_faults(self, web: Web, ident: str, to: Any, answer: tuple[int, str]) -> None:
        async with PretendServer() as server:
            settings(web, server, POSTROAD_RELEASE=f"smtp://127.0.0.1:{server.port}")
            sent = web.send("Hello")
            assert await self.release(web, ident or sent, To=to) == answer
            assert server.mails == []

    async def test_a_server_that_refuses(self, web: Web) -> None:
        async with PretendServer(replies={"RCPT": "550 5.7.1 no"}) as server:
            settings(web, server, POSTROAD_RELEASE=f"smtp://127.0.0.1:{server.port}")
            status, text = await self.release(web, web.send("Hello"), To=["real@example.com"])
        assert status == 400
        assert text.startswith("SMTP error: 550 5.7.1 no")
