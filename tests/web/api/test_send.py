"""POST /v1/messages and /release: through an app door that is a toy, and to a real server that is one."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.message.parse import parse_message
from tests.harness.smtphost import Mail, SmtpHost
from tests.web.api.asgi import client, stacked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from postroad_web.api.services import Services
    from tests.harness.doors import ToyStack

RELAY = SimpleNamespace(name="relay.postroad.test", address=IPv4Address("127.0.0.1"))
WORLD: Any = SimpleNamespace(host_of=lambda _role: RELAY)
ASKED: dict[str, Any] = {
    "from": "Grüße <shop@example.com>",
    "to": ["bob@beta.test", {"name": "Eve", "address": "eve@beta.test"}],
    "bcc": ["hidden@beta.test"],
    "subject": "Ihre Bestellung, für Sie",
    "text": "Danke",
    "html": "<p>Danke <img src=cid:logo></p>",
    "attachments": [
        {"filename": "a.txt", "content": base64.b64encode(b"one").decode()},
        {"filename": "logo.png", "content": "data:image/png;base64,iVBO\nRw==", "content_id": "logo"},
    ],
    "headers": {"X-Order": "7"},
    "tags": ["blue"],
}


class Rig:
    """An app door whose mail the toy stack gets."""

    def __init__(self, stack: ToyStack, given: Services, http: httpx.AsyncClient) -> None:
        self.stack, self.services, self.http = stack, given, http
        self.mails: list[Mail] = []
        self.quiet = False

    def accept(self, mail: Mail) -> str:
        self.mails.append(mail)
        if self.quiet:
            self.stack.send(b"Subject: another\r\n\r\n", mail.sender, mail.recipients)
            return "250 2.0.0 OK: queued as unseen"
        return f"250 2.0.0 OK: queued as {self.stack.send(mail.content, mail.sender, mail.recipients)}"

    async def send(self, asked: dict[str, Any], status: int = 201) -> Any:
        answer = await self.http.post("/v1/messages", json=asked)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def rig(folder: Path, environ: dict[str, str] | None = None, **host: Any) -> AsyncIterator[Rig]:
    async with (
        SmtpHost(**host) as door,
        stacked(folder, {"POSTROAD_APP_PORT": str(door.port), **(environ or {})}) as (stack, given),
        client(given) as http,
    ):
        given.world = WORLD
        it = Rig(stack, given, http)
        door.accept = it.accept
        yield it


async def test_a_message_is_written_and_sent(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        sent = await it.send(ASKED)
        assert sent == {"id": sent["id"], "url": f"/v1/messages/{sent['id']}", "refused": []}
        (mail,) = it.mails
        assert mail.sender == "shop@example.com"
        assert mail.recipients == ["bob@beta.test", "eve@beta.test", "hidden@beta.test"]
        assert b"hidden" not in mail.content
        parsed = parse_message(mail.content)
        assert (parsed.subject, parsed.text.strip(), parsed.header("X-Tags")) == (ASKED["subject"], "Danke", "blue")
        assert parsed.from_[0].name == "Grüße"
        assert [part.filename for part in parsed.attachments] == ["a.txt"]
        assert [(part.filename, part.content_type) for part in parsed.inline] == [("logo.png", "image/png")]
        # It can be read at once: nobody has to wait for the catalog.
        assert (await it.http.get(sent["url"])).json()["id"] == sent["id"]


async def test_the_envelope_may_be_another(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send({"from": "a@alpha.test", "sender": "", "recipients": ["x@beta.test", "x@beta.test"]})
        assert (it.mails[0].sender, it.mails[0].recipients) == ("", ["x@beta.test"])


async def test_a_message_as_it_is(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        fields = b"From: Ann <ann@alpha.test>\nTo: bob@beta.test\nBcc: c@beta.test,\n d@beta.test\nSubject: Raw\n"
        raw = fields + b"\n.one\n..\nend"
        headers = {"content-type": "message/rfc822"}
        answer = await it.http.post("/v1/messages", content=raw, headers=headers)
        assert answer.status_code == 201
        assert answer.headers["location"] == answer.json()["url"]
        query = {"from": "e@alpha.test", "to": ["f@beta.test", "g@beta.test"]}
        assert (await it.http.post("/v1/messages", content=raw, headers=headers, params=query)).status_code == 201
        first, second = it.mails
        assert (first.sender, first.recipients) == ("ann@alpha.test", ["bob@beta.test", "c@beta.test", "d@beta.test"])
        assert first.content == (
            b"From: Ann <ann@alpha.test>\r\nTo: bob@beta.test\r\nSubject: Raw\r\n\r\n.one\r\n..\r\nend\r\n"
        )
        assert (second.sender, second.recipients) == ("e@alpha.test", ["f@beta.test", "g@beta.test"])
        assert b"Bcc: c@beta.test,\r\n d@beta.test\r\n" in second.content
        for content, status in ((b"", 400), (b"Subject: x\n\n", 422), (b"To: a@b.test\n\n\0", 422)):
            answer = await it.http.post("/v1/messages", content=content, headers=headers)
            assert answer.status_code == status, content
        answer = await it.http.post("/v1/messages", content=raw, headers=headers, params={"to": "nobody"})
        assert "'nobody' is not an address" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"from": "nobody"}, "from must be one address"),
        ({"from": None}, "from is missing"),
        ({"from": "a@b.test, c@d.test"}, "from must be one address"),
        ({"to": []}, "to or cc, bcc or recipients must name somebody"),
        ({"to": [7]}, "to.0 must be an object"),
        ({"to": ["a@b\r\nBcc: x@y.test"]}, "to.0 must be a text"),
        ({"to": [{"address": "a@b.test\r\nX: y"}]}, "without control characters"),
        ({"subject": "a\r\nBcc: x@y.test"}, "subject must be a text"),
        ({"headers": {"X-A": "a\nb"}}, "headers.X-A must be a text"),
        ({"headers": {"X-A\n": "a"}}, "without control characters"),
        ({"headers": {"Bcc": "x@y.test"}}, "the header field Bcc can't be set this way"),
        ({"headers": {"X A": "x"}}, "is not a name of a header field"),
        ({"attachments": [{"content": "%"}]}, "attachments.0.content must be octets in base64"),
        ({"attachments": [{"content": 7}]}, "attachments.0.content must be octets in base64"),
        ({"attachments": [{"content": "", "content_type": "x"}]}, "is not a media type"),
        ({"recipients": ["x"]}, "'x' is not an address"),
        ({"sender": "x"}, "'x' is not an address"),
        ({"colour": "blue"}, "colour is not a field here"),
    ],
)
async def test_what_can_not_be_sent_is_told(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    async with rig(tmp_path) as it:
        asked = {"from": "a@alpha.test", "to": ["bob@beta.test"], **change}
        assert words in (await it.send(asked, 422))["detail"]
        assert not it.mails
        assert (await it.http.post("/v1/messages", content=b"{")).status_code == 400


async def test_refusals_of_the_door(tmp_path: Path) -> None:
    async with rig(tmp_path, refusals={"RCPT TO:<C@": "451 4.3.0 a fault"}) as it:
        sent = await it.send({"from": "a@alpha.test", "to": ["b@beta.test", "c@beta.test"]})
        assert sent["refused"] == [{"address": "c@beta.test", "reply": "451 4.3.0 a fault"}]
        problem = await it.send({"from": "a@alpha.test", "to": ["c@beta.test"]}, 422)
        assert problem["detail"] == "The server said: 451 4.3.0 a fault"
        assert problem["refused"] == sent["refused"]
        it.services.settings = type(it.services.settings).from_environ({"POSTROAD_APP_PORT": "1"})
        problem = await it.send({"from": "a@alpha.test", "to": ["b@beta.test"]}, 503)
        assert problem["service"] == "relay"


async def test_an_answer_without_a_queue_id(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        async with SmtpHost(lambda _: "250 OK") as door:
            environ = {"POSTROAD_APP_PORT": str(door.port), "POSTROAD_LISTEN": "0.0.0.0"}
            it.services.settings = type(it.services.settings).from_environ(environ)
            problem = await it.send({"from": "a@alpha.test", "to": ["b@beta.test"]}, 503)
        assert "did not name its queue ID" in problem["detail"]


async def test_a_catalog_that_lags_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_web.api.native.send.SEEN_WITHIN", 0.3)
    async with rig(tmp_path) as it:
        it.quiet = True
        assert (await it.send({"from": "a@alpha.test", "to": ["b@beta.test"]}))["id"] == "unseen"


async def test_release(tmp_path: Path) -> None:
    async with SmtpHost(refusals={"RCPT TO:<NO@": "550 5.7.1 no"}) as real:
        mails: list[Mail] = []
        real.accept = lambda mail: (mails.append(mail), "250 2.0.0 taken")[1]  # type: ignore[func-returns-value]
        async with rig(tmp_path, {"POSTROAD_RELEASE": f"smtp://127.0.0.1:{real.port}"}) as it:
            sent = await it.send({"from": "a@alpha.test", "to": ["b@beta.test"], "subject": "Out"})
            url = f"{sent['url']}/release"
            answer = await it.http.post(url, json={"to": ["ann@example.com", "no@example.com"]})
            assert answer.json() == {
                "released": [{"address": "ann@example.com", "reply": "250 2.0.0 taken"}],
                "refused": [{"address": "no@example.com", "reply": "550 5.7.1 no"}],
            }
            assert (mails[0].sender, mails[0].recipients) == ("a@alpha.test", ["ann@example.com"])
            assert not mails[0].content.startswith(b"Return-Path")
            answer = await it.http.post(
                "/v1/messages/latest/release", json={"to": ["no@example.com"], "from": "me@example.com"}
            )
            assert (answer.status_code, answer.json()["detail"]) == (422, "The server said: 550 5.7.1 no")
            assert (await it.http.post(url, json={"to": ["x"]})).status_code == 422
            assert (await it.http.post(url, json={"to": []})).status_code == 422
            await real.__aexit__()
            assert (await it.http.post(url, json={"to": ["ann@example.com"]})).status_code == 502


async def test_release_is_off_until_a_server_is_set(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        sent = await it.send({"from": "a@alpha.test", "to": ["b@beta.test"]})
        answer = await it.http.post(f"{sent['url']}/release", json={"to": ["ann@example.com"]})
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("Nothing leaves Postroad unless POSTROAD_RELEASE names a server")
        assert (await it.http.post("/v1/messages/nosuch/release", json={"to": ["a@b.c"]})).status_code == 404
