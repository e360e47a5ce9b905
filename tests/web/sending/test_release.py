"""Sending over SMTP: to a real server with TLS and a login, and what its refusals become."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad_web.sending.release import release, released_content
from postroad_web.sending.transaction import AwayError, EnvelopeError, RefusedError
from tests.harness.smtphost import Mail, SmtpHost
from tests.harness.tls import certificate, server_tls

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["certificate", "server_tls"]  # fixtures

CONTENT = b"Return-Path: <a@alpha.test>\r\nDelivered-To: x\r\n y\r\nSubject: Hi\r\n\r\n.Body\r\n"


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """A context that takes the test's certificate for an authority, and checks the name."""
    return ssl.create_default_context(cafile=str(certificate))


async def send(host: SmtpHost, *, scheme: str = "smtp", login: str = "", **more: Any) -> Any:
    given: dict[str, Any] = {"sender": "a@alpha.test", "recipients": ["b@beta.test"], "content": CONTENT}
    url = f"{scheme}://{login}localhost:{host.port}"
    return await release(url, hostname="here", clock=Clock(), **given | more)


class Box(SmtpHost):
    """A host that keeps what it takes."""

    def __init__(self, **more: Any) -> None:
        super().__init__(self.keep, **more)
        self.mails: list[Mail] = []

    def keep(self, mail: Mail) -> str:
        self.mails.append(mail)
        return "250 2.0.0 taken"


async def test_a_message_without_its_delivery_fields_goes_out() -> None:
    async with Box() as host:
        (answer,) = await send(host)
        assert (answer.address, answer.accepted, answer.reply) == ("b@beta.test", True, "250 2.0.0 taken")
        (mail,) = host.mails
        assert mail == Mail("a@alpha.test", ["b@beta.test"], b"Subject: Hi\r\n\r\n.Body\r\n", None, tls=False)


def test_only_fields_in_front_are_taken_away() -> None:
    assert released_content(b"Subject: x\r\nReturn-Path: <a@b>\r\n\r\n") == b"Subject: x\r\nReturn-Path: <a@b>\r\n\r\n"


async def test_starttls_is_used_and_the_certificate_checked(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with Box(tls=server_tls) as host:
        await send(host, tls=trusting)
        assert host.mails[0].tls
        with pytest.raises(AwayError, match=r"TLS with localhost.* failed: .*certificate"):
            await send(host)
        assert len(host.mails) == 1


@pytest.mark.parametrize(
    ("offer", "login"),
    [("AUTH LOGIN PLAIN", "\0app@x:pass:word"), ("AUTH LOGIN", "app@x:pass:word"), ("AUTH PLAIN", "")],
)
async def test_a_login_goes_over_tls(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, offer: str, login: str
) -> None:
    for implicit in (True, False):
        async with Box(tls=server_tls, implicit_tls=implicit, offers=(offer,)) as host:
            await send(host, scheme="smtps" if implicit else "smtp", login="app%40x:pass%3Aword@", tls=trusting)
            assert host.mails[0].tls
            if login:
                assert (host.mails[0].login or "").replace("\0pass", ":pass") == login


async def test_an_untrusted_certificate_ends_implicit_tls(server_tls: ssl.SSLContext) -> None:
    async with Box(tls=server_tls, implicit_tls=True) as host:
        with pytest.raises(AwayError, match=r"TLS with localhost.* failed"):
            await send(host, scheme="smtps")


@pytest.mark.parametrize(
    ("offers", "secure", "reason"),
    [
        (("AUTH PLAIN",), False, "it offers no TLS, and a password is not sent without it"),
        (("AUTH CRAM-MD5",), True, "it offers neither PLAIN nor LOGIN to log in by"),
        ((), True, "offers no AUTH"),
    ],
)
async def test_a_password_is_kept_where_it_is_not_safe(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, offers: tuple[str, ...], secure: bool, reason: str
) -> None:
    async with Box(offers=offers, tls=server_tls if secure else None) as host:
        with pytest.raises((AwayError, RefusedError), match=rf"(^|\W){reason}( \(|$)"):
            await send(host, login="app:secret@", tls=trusting)
        assert not host.mails
        assert not any("AUTH" in line for line in host.heard)


async def test_a_wrong_login_is_told(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    refusals = {"AUTH": "535 5.7.8 wrong password"}
    async with Box(offers=("AUTH PLAIN",), tls=server_tls, refusals=refusals) as host:
        with pytest.raises(AwayError, match=r"535 5\.7\.8 wrong password"):
            await send(host, login="app:secret@", tls=trusting)


async def test_refusals_are_told_by_recipient() -> None:
    async with Box(refusals={"RCPT TO:<C@": "550 5.1.1 who?"}) as host:
        first, second = await send(host, recipients=["b@beta.test", "c@beta.test"])
        assert (first.accepted, second.accepted, second.reply) == (True, False, "550 5.1.1 who?")
        with pytest.raises(RefusedError, match=r"550 5\.1\.1 who\?") as caught:
            await send(host, recipients=["c@beta.test"])
        assert caught.value.answers[0].address == "c@beta.test"


@pytest.mark.parametrize(
    ("refusals", "reason"),
    [
        ({"connect": "554 5.3.2 not today"}, "554 5.3.2 not today"),
        ({"MAIL": "421 4.3.2 closing"}, "421 4.3.2 closing"),
    ],
)
async def test_a_server_that_does_not_serve(refusals: dict[str, str], reason: str) -> None:
    async with Box(refusals=refusals) as host:
        with pytest.raises(AwayError, match=reason):
            await send(host)


async def test_nobody_there() -> None:
    async with Box() as host:
        port = host.port
    with pytest.raises(AwayError, match=r"can't be reached"):
        await release(
            f"smtp://127.0.0.1:{port}",
            sender="",
            recipients=["b@beta.test"],
            content=b"",
            hostname="here",
            clock=Clock(),
        )
    with pytest.raises(AwayError, match=r"has no address"):
        await release(
            "smtp://nowhere.invalid", sender="", recipients=["b@b.test"], content=b"", hostname="here", clock=Clock()
        )


async def test_a_server_that_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_web.sending.transaction.PATIENCE", 0.05)
    async with Box(refusals={"EHLO": "250-and so on"}) as host:
        with pytest.raises(AwayError, match=r"took longer"):
            await send(host)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"recipients": []}, "there is no recipient"),
        ({"recipients": ["x"]}, "'x' is not an address"),
        ({"recipients": ["a@b.test\r\nDATA"]}, "is not an address"),
        ({"sender": "<>"}, "'<>' is not an address"),
        ({"recipients": [f"a{n}@b.test" for n in range(1001)]}, "there are more than 1000 recipients"),
    ],
)
async def test_what_is_no_envelope(more: dict[str, Any], reason: str) -> None:
    async with Box() as host:
        with pytest.raises(EnvelopeError, match=reason):
            await send(host, **more)
        assert not host.heard


async def test_octets_above_127_and_addresses_in_utf8() -> None:
    async with Box() as host:
        await send(host, recipients=["jürgen@bücher.test"], content="Subject: Grüße\r\n\r\nÄ\r\n".encode())
        assert any(line.startswith("MAIL") and "SMTPUTF8" in line and "8BITMIME" in line for line in host.heard)
        assert host.mails[0].recipients == ["jürgen@bücher.test"]
