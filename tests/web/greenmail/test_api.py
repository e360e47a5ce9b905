"""GreenMail's paths: users, their messages, purge, reset, readiness, configuration."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from postroad.control.client import DoorRefused
from postroad_web.catalog.worlds import DefaultWorld
from postroad_web.greenmail import mail
from postroad_web.worlds.keeper import Beyond, Keeper, Taken
from postroad_web.worlds.plan import NoSuchDomain
from tests.web.greenmail.conftest import BOB, ToyUsers, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.dialect import Web

USER = "/api/user"
OF_BOB = f"{USER}/bob/messages"
Green = tuple["Web", ToyUsers]


class Shop(DefaultWorld):
    """A world beside the default one, with a domain of its own."""

    def of_domain(self, domain: str) -> str:
        return "shop" if domain == "shop.test" else super().of_domain(domain)


class Kept(Keeper):
    """A keeper that notes which accounts it is to make."""

    def __init__(self) -> None:
        self.made_of: list[tuple[str, str | None, dict[str, Any]]] = []
        self.error: Exception | None = None

    async def add_account(self, ident: str, domain: str | None, asked: Any) -> Any:
        if self.error is not None:
            raise self.error
        self.made_of.append((ident, domain, asked))
        return None, domain, asked


async def asked(web: Web, method: str, path: str, *, world: str = "default", **more: Any) -> tuple[int, Any]:
    """Ask about a world, as `Safety` notes it in the scope."""

    async def scoped(scope: Any, receive: Any, send: Any) -> None:
        await web.app({**scope, "postroad.world": world}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=scoped), base_url="http://localhost") as http:
        answer = await http.request(method, path, **more)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()


class TestUsers:
    async def test_list(self, green: Green) -> None:
        web, _ = green
        for path in (USER, f"{USER}/"):
            assert await asked(web, "GET", path) == (200, [{"login": "bob", "email": "bob@beta.test"}])

    async def test_make(self, green: Green) -> None:
        web, users = green
        eve = {"email": "eve@example.com", "login": "eve", "password": "apple"}
        shown = {"login": "eve", "email": "eve@example.com"}
        assert await asked(web, "POST", USER, json=eve | {"other": 1}) == (200, shown)
        assert users.created == [eve]
        assert await asked(web, "GET", USER) == (200, [{"login": "bob", "email": "bob@beta.test"}, shown])
        status, said = await asked(web, "POST", USER, json=eve)
        assert (status, said) == (400, {"message": "Can not create user : there is a user already"})

    @pytest.mark.parametrize(
        "body",
        ["", "[]", "{}", '{"email": 1}', '{"email": " ", "password": "x"}', '{"email": "a@b", "password": ""}'],
    )
    async def test_what_is_no_user(self, green: Green, body: str) -> None:
        web, users = green
        status, said = await asked(web, "POST", USER, content=body)
        assert status == 400
        assert said["message"].startswith("Can not create user : ")
        assert users.created == []

    async def test_remove(self, green: Green) -> None:
        web, _ = green
        assert await asked(web, "DELETE", f"{USER}/bob") == (200, {"message": "User 'bob' deleted"})
        assert await asked(web, "DELETE", f"{USER}/nobody") == (400, {"message": "User 'nobody' not found"})
        assert await asked(web, "GET", USER) == (200, [])

    async def test_of_another_world(self, green: Green) -> None:
        web, users = green
        seen: list[dict[str, Any]] = []

        def accounts(query: dict[str, Any]) -> dict[str, Any]:
            seen.append(query)
            return {"accounts": [{"login": "ann@shop.test"}, {"login": "bob@beta.test"}]}

        users.store.answers["GET", "/accounts"] = accounts
        web.services.worlds = Shop()
        shown = [{"login": "ann@shop.test", "email": "ann@shop.test"}]
        assert await asked(web, "GET", USER, world="shop") == (200, shown)
        assert seen == [{"world": "shop"}]
        status, said = await asked(web, "DELETE", f"{USER}/ann@shop.test", world="shop")
        assert status == 400
        assert "the accounts of a world go with their world" in said["message"]
        assert await asked(web, "GET", OF_BOB, world="shop") == (400, {"message": "User 'bob' not found"})

    async def test_make_in_another_world(self, green: Green) -> None:
        web, users = green
        bob = {"email": "bob@shop.test", "login": "ignored", "password": "x"}
        status, said = await asked(web, "POST", USER, world="shop", json=bob)
        assert (status, said["message"]) == (400, "Can not create user : there is no world shop")
        kept = web.services.worlds = Kept()
        shown = {"login": "bob@shop.test", "email": "bob@shop.test"}
        assert await asked(web, "POST", USER, world="shop", json=bob) == (200, shown)
        assert kept.made_of == [("shop", "shop.test", {"name": "bob", "password": "x"})]
        for error, sentence in (
            (NoSuchDomain("other.test"), "the world shop has no other.test"),
            (Taken("It is taken", "w1"), "It is taken"),
            (Beyond("A world has at most 5 accounts"), "A world has at most 5 accounts"),
            (DoorRefused(409, "no"), "no"),
        ):
            kept.error = error
            refused = (400, {"message": f"Can not create user : {sentence}"})
            assert await asked(web, "POST", USER, world="shop", json=bob) == refused
        assert users.created == []


class TestMessages:
    async def test_the_oldest_come_first(self, green: Green) -> None:
        web, _ = green
        for subject in ("one", "two"):
            web.send(subject)
        for path in (OF_BOB, f"{OF_BOB}/", f"{OF_BOB}/INBOX", f"{OF_BOB}/inbox/", f"{USER}/BOB@beta.test/messages"):
            status, messages = await asked(web, "GET", path)
            assert status == 200
            assert [(message["uid"], message["subject"]) for message in messages] == [("1", "one"), ("2", "two")]
        assert "Some words." in messages[0]["mimeMessage"]
        assert await asked(web, "GET", f"{OF_BOB}/Sent") == (200, [])

    async def test_a_message_on_its_way_is_waited_for(self, green: Green) -> None:
        web, _ = green
        ident = web.stack.accept(b"Subject: soon\r\n\r\n", "alice@alpha.test", ["bob@beta.test"])
        asking = asyncio.ensure_future(asked(web, "GET", OF_BOB))
        await web.catalog.caught_up(web.stack.relay.number, 0, 5)
        web.stack.deliver(ident)
        assert [message["subject"] for message in (await asking)[1]] == ["soon"]

    async def test_but_not_for_long(self, green: Green, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail, "FRESH_WITHIN", 0.05)
        web, _ = green
        web.stack.accept(b"Subject: late\r\n\r\n", "alice@alpha.test", ["bob@beta.test"])
        assert await asked(web, "GET", OF_BOB) == (200, [])

    async def test_nobody_and_nothing(self, green: Green) -> None:
        web, _ = green
        assert await asked(web, "GET", f"{USER}/eve/messages") == (400, {"message": "User 'eve' not found"})
        assert await asked(web, "GET", f"{OF_BOB}/No") == (400, {"message": "Folder 'No' not found"})
        web.stack.store.answers["GET", "/users"] = {"users": [BOB | {"account": "gone@beta.test"}]}
        status, said = await asked(web, "GET", OF_BOB)
        assert status == 400
        assert "gone%40beta.test" in said["message"]

    async def test_pages_and_bounds(self, green: Green, monkeypatch: pytest.MonkeyPatch) -> None:
        web, _ = green
        for number in range(5):
            web.send(f"number {number}")
        monkeypatch.setattr(mail, "PAGE", 2)
        assert len((await asked(web, "GET", OF_BOB))[1]) == 5
        monkeypatch.setattr(mail, "MOST", 1)
        assert len((await asked(web, "GET", OF_BOB))[1]) == 2

    async def test_what_vanishes_meanwhile_is_left_out(self, green: Green) -> None:
        web, users = green
        for subject in ("one", "two"):
            web.send(subject)
        listed = users.messages({"mailbox": "INBOX", "after": 0, "limit": 9})
        users.store.answers["GET", "/accounts/bob%40beta.test/messages"] = listed
        web.stack.remove(("bob@beta.test", "INBOX", 77, 1))
        assert [message["subject"] for message in (await asked(web, "GET", OF_BOB))[1]] == ["two"]


class TestService:
    async def test_purge(self, green: Green) -> None:
        web, _ = green
        web.send("one")
        assert len((await asked(web, "GET", OF_BOB))[1]) == 1
        assert await asked(web, "POST", "/api/mail/purge") == (200, {"message": "Purged mails"})
        assert await asked(web, "GET", OF_BOB) == (200, [])
        web.stack.store.away = True
        status, said = await asked(web, "POST", "/api/mail/purge")
        assert status == 200
        assert said["message"].startswith("Can not purge mails : ")

    async def test_reset(self, green: Green) -> None:
        web, users = green
        web.send("one")
        assert await asked(web, "POST", "/api/service/reset") == (200, {"message": "Performed reset"})
        assert (web.stack.store.contents, users.users) == ({}, [])
        web.stack.store.away = True
        assert (await asked(web, "POST", "/api/service/reset"))[0] == 503

    async def test_readiness(self, green: Green) -> None:
        web, _ = green
        for path in ("/api/service/readiness", "/api/service/readiness/"):
            assert await asked(web, "GET", path) == (200, {"message": "Service running"})
        web.stack.store.away = True
        assert await asked(web, "GET", "/api/service/readiness") == (503, {"message": "Service not running"})
        web.stack.store.away, web.services.ready = False, False
        assert await asked(web, "GET", "/api/service/readiness") == (503, {"message": "Service not running"})

    async def test_configuration(self, tmp_path: Path) -> None:
        async with served(tmp_path, POSTROAD_GREENMAIL="on") as (web, _):
            status, shown = await asked(web, "GET", "/api/configuration")
            assert status == 200
            protocols = [setup["protocol"] for setup in shown["serverSetups"]]
            assert protocols == ["smtp", "smtps", "pop3", "pop3s", "imap", "imaps"]
            assert shown["authenticationDisabled"] is True
