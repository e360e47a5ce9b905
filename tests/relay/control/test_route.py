"""GET /route: where mail for a domain would go, and what the name server has said."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Network
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from postroad.control.door import Refusal, Request
from postroad_relay.control.route import route_of
from postroad_relay.delivery.router import Router
from tests.relay.nameserver import NameServer
from tests.relay.resolvers import SCRIPT, make


async def asked(domain: str, *, again: bool = False) -> dict[str, Any]:
    async with NameServer(SCRIPT) as server:
        router = Router(
            make(server),
            shuffle=lambda mx: mx.sort(key=lambda exchanger: exchanger.host),
            own_names=frozenset({"relay.test"}),
            own_addresses=frozenset({IPv4Address("127.0.0.25")}),
            network=IPv4Network("127.0.0.0/24"),
        )
        handler = route_of(SimpleNamespace(router=router)).handler  # type: ignore[arg-type]
        request = Request("GET", "/route", query={"domain": domain})
        if again:
            await handler(request)
        answer = await handler(request)
        assert answer.status == 200
        return dict(orjson.loads(answer.body))


@pytest.mark.parametrize("again", [False, True], ids=["asked", "cached"])
async def test_each_question_is_shown_with_its_answer(again: bool) -> None:
    shown = await asked("BETA.test.", again=again)
    assert (shown["domain"], shown["outcome"], shown["status"]) == ("beta.test", "routed", None)
    first, *others = shown["questions"]
    assert (first["name"], first["type"], first["answer"]) == ("beta.test", "MX", "records")
    assert {question["type"] for question in others} == {"A"}
    hosts = [record.split()[1] for record in first["records"]]
    assert sorted(question["name"] for question in others) == sorted(hosts)
    assert {server["host"] for server in shown["servers"]} <= set(hosts)
    assert all(server["address"].startswith("127.0.0.") for server in shown["servers"])


@pytest.mark.parametrize(
    ("domain", "outcome", "status", "answer"),
    [
        ("gone.test", "failed", "5.1.2", "no such domain"),
        ("null.test", "failed", "5.1.10", "records"),
        ("none.test", "failed", "5.1.2", "no data"),
        ("broken.test", "deferred", "4.4.3", "trouble"),
    ],
)
async def test_why_there_is_no_route(domain: str, outcome: str, status: str, answer: str) -> None:
    shown = await asked(domain)
    assert (shown["outcome"], shown["status"], shown["servers"]) == (outcome, status, [])
    assert shown["questions"][0]["answer"] == answer
    assert shown["reason"]
    assert (shown["questions"][0]["reason"] is None) == (answer != "trouble")


async def test_an_address_literal_asks_nothing() -> None:
    shown = await asked("[127.0.0.9]")
    assert (shown["outcome"], shown["questions"]) == ("routed", [])
    assert shown["servers"] == [{"host": "[127.0.0.9]", "address": "127.0.0.9"}]


@pytest.mark.parametrize("domain", ["", "a b", "[x]", "-", "a" * 300])
async def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(Refusal) as refusal:
        await asyncio.wait_for(asked(domain), 10)
    assert refusal.value.status == 422
