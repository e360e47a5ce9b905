"""Releases to a server that the request names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.mailhog import release
from tests.harness.smtphost import Mail, SmtpHost
from tests.web.mailhog.conftest import served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.dialect import Web

V1 = "/api/v1/messages"


class Box(SmtpHost):
    """A host that keeps what it takes."""

    def __init__(self, **more: Any) -> None:
        super().__init__(self.keep, **more)
        self.mails: list[Mail] = []

    def keep(self, mail: Mail) -> str:
        self.mails.append(mail)
        return "250 2.0.0 taken"


async def released(web: Web, ident: str, body: Any) -> tuple[int, str]:
    answer = await web.http.post(f"{V1}/{ident}/release", json=body)
    return answer.status_code, answer.text


@pytest.mark.parametrize("case", [str, str.lower])
async def test_to_a_server_nearby(web: Web, case: Any) -> None:
    ident = web.send("one")
    async with Box() as box:
        asked = {case("Host"): "localhost", case("Port"): str(box.port), case("Email"): "dev@beta.test"}
        assert await released(web, ident + "%40mailhog.example", asked) == (200, "")
        (mail,) = box.mails
        sent = (await web.http.get(f"{V1}/{ident}/download")).content + b"\r\n"
        assert mail == Mail("nobody@mailhog.example", ["dev@beta.test"], sent, None, tls=False)


async def test_elsewhere(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = web.send("one")
    monkeypatch.setattr(release, "may_be_sent_to", lambda _: False)
    async with Box() as box:
        asked = {"Host": "localhost", "Port": str(box.port), "Email": "dev@beta.test"}
        status, text = await released(web, ident, asked)
        assert status == 500
        assert "is not on this machine or a private network" in text
        assert box.mails == []


async def test_to_the_server_of_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "may_be_sent_to", lambda _: False)
    async with Box() as box, served(tmp_path, release=f"smtp://localhost:{box.port}") as web:
        ident = web.send("one")
        assert (await web.http.get("/api/v2/outgoing-smtp")).json() == {
            "release": {
                "Name": "release",
                "Save": False,
                "Email": "",
                "Host": "localhost",
                "Port": str(box.port),
                "Username": "",
                "Password": "",
                "Mechanism": "",
            }
        }
        for asked in ({"Name": "release"}, {"Host": "LOCALHOST", "Port": str(box.port)}):
            assert await released(web, ident, asked | {"Email": "dev@beta.test"}) == (200, "")
        assert len(box.mails) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 500),
        ({"Port": 25}, 500),
        ({"Name": "unknown"}, 400),
        ({"Host": "localhost", "Username": "a", "Mechanism": "NTLM"}, 400),
        ({"Host": "localhost", "Port": "1", "Email": "dev@beta.test"}, 500),
        ({"Host": "localhost", "Port": "x", "Email": "dev@beta.test"}, 500),
        ({"Host": "localhost", "Port": "25", "Email": "nobody"}, 500),
        ({"Host": "no.such.invalid", "Port": "25", "Email": "dev@beta.test"}, 500),
    ],
)
async def test_what_can_not_be(web: Web, body: Any, status: int) -> None:
    assert (await web.http.get("/api/v2/outgoing-smtp")).text == "{}"
    assert (await released(web, web.send("one"), body))[0] == status


async def test_no_message(web: Web) -> None:
    assert await released(web, "unknown", {"Host": "localhost"}) == (500, release.NO_MESSAGE)
