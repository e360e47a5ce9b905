"""POST /v1/wait and /v1/quiet, with a catalog that follows toys."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.catalog import catalog
from postroad_web.waiting import waits
from postroad_web.waiting.criteria import Judge
from tests.web.api.asgi import client, stacked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import httpx

    from postroad_web.api.services import Services
    from postroad_web.catalog.record import Record
    from postroad_web.message.parsed import Parsed
    from postroad_web.waiting.criteria import Verdict
    from tests.harness.doors import ToyStack

BOB = "bob@beta.test"
ANN = "ann@alpha.test"


def mail(subject: str = "Hello", body: str = "Your code is 482913.", to: str = BOB) -> bytes:
    head = f"From: Ann <{ANN}>\r\nTo: {to}\r\nSubject: {subject}\r\nX-Order: 7\r\n"
    return f"{head}\r\n{body}\r\n".encode()


class Rig:
    """A toy stack and a client of the API on it."""

    def __init__(self, stack: ToyStack, given: Services, http: httpx.AsyncClient) -> None:
        self.stack, self.services, self.http = stack, given, http

    def send(self, subject: str = "Hello", *, to: str = BOB, **more: Any) -> str:
        return self.stack.send(mail(subject, to=to, **more), ANN, [to])

    async def told(self) -> None:
        await self.stack.told(self.services.catalog)

    async def until(self, ident: str, holds: Callable[[Record], object]) -> None:
        """Return once something holds of a record, after a piece of a journal was folded or contents were read."""
        async with asyncio.timeout(5):
            while (record := self.services.catalog.every.get(ident)) is None or not holds(record):
                await self.services.catalog._keeper.progress()

    async def wait(self, status: int = 200, **body: Any) -> Any:
        answer = await self.http.post("/v1/wait", json={"timeout": 5, **body})
        assert answer.status_code == status, answer.text
        return answer.json()

    def waiting(self, status: int = 200, **body: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(self.wait(status, **body))

    async def held(self, task: asyncio.Task[Any]) -> None:
        """Return once the wait is held: it has looked at what is there."""
        while not self.services.catalog.hub:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(0)
        await self.services.catalog.every.find(None, limit=1)  # about as long as the wait's own look
        await asyncio.sleep(0.01)
        assert not task.done()


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    async with stacked(folder) as (stack, given), client(given) as http:
        yield Rig(stack, given, http)


async def test_what_is_there_is_answered_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        ident = it.send("Welcome")
        await it.told()
        answer = await it.wait(recipient=BOB)
        (message,) = answer["messages"]
        assert (message["id"], message["state"], message["world"]) == (ident, "delivered", "default")
        assert message["content"]["codes"][0]["value"] == "482913"
        assert message["recipients"][0]["copies"][0]["account"] == BOB
        assert answer["cursor"] == message["number"]


async def test_without_time_what_is_there_counts(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.send("Welcome")
        await it.told()
        assert len((await it.wait(recipient=BOB, timeout=0))["messages"]) == 1
        assert len((await it.wait(body="code", after=0, timeout=0))["messages"]) == 1
        assert (await it.wait(408, recipient=BOB, mode={"at_least": 2}, timeout=0))["matched"]
        missed = await it.wait(408, recipient=ANN, timeout=0)
        assert [(near["met"], near["missed"]) for near in missed["near_misses"]] == [([], ["recipient"])]
        assert f"Nearest: R000001 to {BOB}, “Welcome”, which missed recipient." in missed["detail"]
        assert "it was not quiet" in (await it.wait(408, recipient=ANN, mode={"none": True}, timeout=0))["detail"]


async def test_what_comes_is_answered_when_it_comes(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        waiting = it.waiting(recipient=BOB, subject="welc")
        await it.held(waiting)
        it.send("Other")
        it.send("Welcome", to="jacob@beta.test")
        ident = it.send("Welcome")
        assert [message["id"] for message in (await waiting)["messages"]] == [ident]


CRITERIA: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"recipient": BOB}, {"recipient": "ob@beta.test"}),
    ({"recipient": "*@beta.test"}, {"recipient": "*@alpha.test"}),
    ({"sender": ANN}, {"sender": ""}),
    ({"to": BOB}, {"to": ANN}),
    ({"from": ANN}, {"from": BOB}),
    ({"subject": "ell"}, {"subject": "bye"}),
    ({"header": [{"name": "x-order", "value": "7"}]}, {"header": [{"name": "x-order", "value": "8"}]}),
    ({"body": "CODE"}, {"body": "cold"}),
    ({"regex": r"\d{6}"}, {"regex": r"\d{7}"}),
    ({"query": "subject:hello"}, {"query": "subject:bye"}),
]


@pytest.mark.parametrize(("met", "missed"), CRITERIA)
@pytest.mark.parametrize("early", [True, False])
async def test_each_criterion(tmp_path: Path, met: dict[str, Any], missed: dict[str, Any], early: bool) -> None:
    async with rig(tmp_path) as it:
        if early:
            it.send()
            await it.told()
        right = it.waiting(**met)
        wrong = it.waiting(408, **missed, timeout=0.3)
        if not early:
            await it.held(right)
            it.send()
        assert len((await right)["messages"]) == 1
        assert (await wrong)["status"] == 408


async def test_after_a_cursor_only_later_messages_count(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.send()
        await it.told()
        first = await it.wait(recipient=BOB)
        waiting = it.waiting(recipient=BOB, after=first["cursor"])
        await it.held(waiting)
        ident = it.send()
        assert [message["id"] for message in (await waiting)["messages"]] == [ident]


async def test_after_a_queue_id_that_is_still_to_come(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.send()
        await it.told()
        waiting = it.waiting(recipient=BOB, after="R000002")
        await it.held(waiting)
        it.send("the second")
        it.send("the third")
        assert [message["subject"] for message in (await waiting)["messages"]] == ["the third"]
        assert [message["id"] for message in (await it.wait(after="R000002"))["messages"]] == ["R000003"]
        assert "has not come" in (await it.wait(408, after="R9", timeout=0))["detail"]


async def test_the_cursor_of_an_event_is_not_one_of_messages(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.send()
        await it.told()
        refused = await it.wait(408, after=it.services.catalog.cursor, timeout=0)
        assert "the cursors of events are other numbers" in refused["detail"]


async def test_a_message_counts_when_it_is_settled(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        ident = it.stack.accept(mail(), ANN, [BOB, "eve@dead.test"])
        it.stack.defer(ident, BOB)
        it.stack.defer(ident, "eve@dead.test")
        await it.told()
        assert len((await it.wait(recipient=BOB, settled=False))["messages"]) == 1
        waiting, other = it.waiting(recipient=BOB), it.waiting(408, timeout=0.5)
        await it.held(waiting)
        it.stack.deliver(ident, [BOB])
        (message,) = (await waiting)["messages"]
        assert message["state"] == "deferred"
        assert [message["id"] for message in (await other)["matched"]] == [ident]


async def test_a_delivered_message_counts_when_it_is_known_where(tmp_path: Path) -> None:
    """The store's journal may come after the relay's."""
    async with rig(tmp_path) as it:
        ident = it.stack.accept(mail(), ANN, [BOB])
        await it.told()
        waiting = it.waiting(recipient=BOB)
        await it.held(waiting)
        ((account, *_),) = it.stack.deliver(ident, captured=True)
        late = it.stack.store.journal_lines.pop()
        it.stack.store.number -= 1
        await it.services.catalog.caught_up(it.stack.relay.number, 0, 5)
        await it.held(waiting)
        it.stack.store.journal_lines.append(late)
        it.stack.store.number += 1
        it.stack.store.wake()
        (message,) = (await waiting)["messages"]
        assert message["state"] == "captured"
        assert message["recipients"][0]["copies"][0]["account"] == account


@pytest.mark.parametrize("gone", [False, True])
async def test_a_message_counts_when_its_content_is_in_the_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    async with rig(tmp_path) as it:
        given = asyncio.Event()
        for door in (it.stack.relay, it.stack.store):
            for method in ("octets", "post_for_octets"):
                monkeypatch.setattr(door, method, _after(given, getattr(door, method)))
        ident = it.send()
        await it.until(ident, lambda record: record.recipients[0].copies)
        waiting = it.waiting(recipient=BOB)
        await it.held(waiting)
        if gone:
            it.stack.store.contents.clear()
            it.stack.relay.contents.clear()
        given.set()
        (message,) = (await waiting)["messages"]
        assert message["subject"] == (None if gone else "Hello")
        assert (message["content"] is None) == gone


def _after(given: asyncio.Event, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def asked(*arguments: Any, **query: Any) -> Any:
        await given.wait()
        return await ask(*arguments, **query)

    return asked


async def test_a_message_on_a_server_of_which_nobody_tells_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "PLACED_WITHIN", 0.05)
    async with rig(tmp_path) as it:
        for _ in range(2):
            ident = it.stack.accept(mail(), ANN, [BOB])
            it.stack.deliver(ident)
            it.stack.store.journal_lines.clear()
            it.stack.store.wake()
        await it.services.catalog.caught_up(it.stack.relay.number, 0, 5)
        assert len((await it.wait(mode={"at_least": 2}))["messages"]) == 2
        assert len((await it.wait(mode={"at_least": 2}, timeout=0))["messages"]) == 2


class SlowStore:
    """A store whose journal is given to nobody until somebody has asked how far it has come."""

    def __init__(self, it: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told, self.questioned = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(it.stack.store, "journal", _after(self.told, it.stack.store.journal))
        self._last = it.stack.store.answers["GET", "/journal/last"]
        it.stack.store.answers["GET", "/journal/last"] = self._asked

    def _asked(self, query: Any) -> Any:
        self.questioned.set()
        return self._last(query)


async def _delivered_by(it: Rig, monkeypatch: pytest.MonkeyPatch) -> tuple[str, SlowStore]:
    """Let the relay say that a message is delivered, of which the store has not told yet."""
    it.send()
    await it.told()
    store = SlowStore(it, monkeypatch)
    it.send("first")  # the question that is under way already gets it
    ident = it.stack.accept(mail("second"), ANN, [BOB])
    # Its content was read while it was in the queue.
    await it.until(ident, lambda record: record.digest is not None)
    return ident, store


async def test_a_message_in_a_store_that_is_slow_to_tell_counts_when_it_has_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its place its content can't be had any more: the relay has passed it on."""
    monkeypatch.setattr(waits, "PLACED_WITHIN", 0.0)
    async with rig(tmp_path) as it:
        ident, store = await _delivered_by(it, monkeypatch)
        waiting = it.waiting(subject="second")
        it.stack.deliver(ident)
        async with asyncio.timeout(5):
            await store.questioned.wait()
        assert not waiting.done()
        store.told.set()
        (message,) = (await waiting)["messages"]
        assert message["recipients"][0]["copies"]
        assert message["content"]["codes"][0]["value"] == "482913"


async def test_so_it_is_when_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as it:
        ident, store = await _delivered_by(it, monkeypatch)
        it.stack.deliver(ident)
        await it.until(ident, lambda record: record.recipients[0].state == "delivered")
        waiting = it.waiting(subject="second", timeout=0)
        async with asyncio.timeout(5):
            await store.questioned.wait()
        store.told.set()
        (message,) = (await waiting)["messages"]
        assert message["recipients"][0]["copies"]
        assert message["content"]["codes"][0]["value"] == "482913"


@pytest.mark.parametrize("path", ["/v1/messages/{}", "/api/v1/message/{}", "/api/v1/messages/{}"])
async def test_so_its_content_can_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(catalog, "UNDER_WAY", 0.0)
    async with rig(tmp_path) as it:
        ident, store = await _delivered_by(it, monkeypatch)
        it.stack.deliver(ident)
        it.stack.relay.contents.clear()
        await it.until(ident, lambda record: record.recipients[0].state == "delivered")
        asking = asyncio.create_task(it.http.get(path.format(ident)))
        async with asyncio.timeout(5):
            await store.questioned.wait()
        store.told.set()
        answer = await asking
        assert answer.status_code == 200
        assert "482913" in answer.text


async def test_a_store_that_is_away_keeps_nobody_from_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "PLACED_WITHIN", 0.0)
    async with rig(tmp_path) as it:
        ident = it.stack.accept(mail(), ANN, [BOB])
        await it.services.catalog.caught_up(it.stack.relay.number, 0, 5)
        it.stack.store.away = True
        waiting = it.waiting(subject="Hello")
        it.stack.deliver(ident)
        assert [message["id"] for message in (await waiting)["messages"]] == [ident]


async def test_a_time_out_says_what_came_near_and_what_is_under_way(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        near = it.send("Something else")
        waiting = it.waiting(408, recipient=BOB, subject="Welcome", timeout=0.4)
        await it.held(waiting)
        late = it.stack.accept(mail("Late", to="eve@dead.test"), ANN, ["eve@dead.test"])
        it.stack.defer(late, "eve@dead.test", "451 4.3.0 later", due=it.services.clock.now() + 4)
        problem = await waiting
        assert problem["near_misses"][0]["message"]["id"] == near
        assert (problem["near_misses"][0]["met"], problem["near_misses"][0]["missed"]) == (["recipient"], ["subject"])
        (under_way,) = problem["under_way"]
        assert under_way["id"] == late
        assert under_way["detail"].startswith("deferred by mx: 451 4.3.0 later, next try in ")
        assert late in [message["id"] for message in problem["arrived"]]
        assert "Still under way to eve@dead.test" in problem["detail"]


async def test_a_time_out_says_what_was_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.stack.relay.note("refused", 1.0, recipient=BOB, reply="550 long ago")
        facts = {"command": "content", "sender": ANN, "recipients": [BOB], "reply": "550 5.6.0 a bare LF"}
        it.stack.relay.note("refused", it.services.clock.now(), **facts)
        await it.told()
        missed = await it.wait(408, recipient=BOB, timeout=0)
        assert [(refusal["sender"], refusal["recipients"]) for refusal in missed["refused"]] == [(ANN, [BOB])]
        assert f"The relay has refused a message to {BOB}: 550 5.6.0 a bare LF." in missed["detail"]
        assert "has refused" not in (await it.wait(408, recipient=ANN, timeout=0))["detail"]
        assert (await it.wait(408, after=it.stack.relay.number, timeout=0))["refused"] == []


async def test_what_is_under_way_to_the_recipient_comes_first(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        for to in (BOB, *(f"x{number}@beta.test" for number in range(30))):
            it.stack.defer(it.stack.accept(mail(), ANN, [to]), to, "451 busy")
        await it.told()
        missed = await it.wait(408, recipient=BOB, timeout=0)
        assert missed["under_way"][0]["recipient"] == BOB
        assert f"Still under way to {BOB}: deferred by mx: 451 busy" in missed["detail"]


async def test_none_is_proved_by_quiet(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        began = asyncio.get_running_loop().time()
        assert (await it.wait(recipient=BOB, mode={"none": True}, timeout=60))["messages"] == []
        assert asyncio.get_running_loop().time() - began < 5
        ident = it.stack.accept(mail(), ANN, ["jacob@beta.test"])
        waiting = it.waiting(recipient=BOB, mode={"none": True}, timeout=60)
        await it.held(waiting)
        it.stack.deliver(ident)
        assert (await waiting)["messages"] == []
        it.send()
        problem = await it.wait(409, recipient=BOB, mode={"none": True}, timeout=60)
        assert len(problem["matched"]) == 1


async def test_none_fails_as_soon_as_one_comes(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.stack.accept(mail(), ANN, ["slow@beta.test"])  # so that it is not quiet
        waiting = it.waiting(409, recipient=BOB, mode={"none": True}, timeout=60)
        await it.held(waiting)
        it.stack.accept(mail(), ANN, [BOB])
        assert "none should match, but 1 do" in (await waiting)["detail"]


async def test_none_that_is_never_quiet(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.stack.accept(mail(), ANN, ["slow@beta.test"])
        problem = await it.wait(408, recipient=BOB, mode={"none": True}, timeout=0.3)
        assert "it was not quiet" in problem["detail"]


async def test_exactly(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        waiting = it.waiting(recipient=BOB, mode={"exactly": 2})
        await it.held(waiting)
        it.send()
        slow = it.stack.accept(mail(), ANN, ["slow@beta.test"])
        it.send()
        await it.told()
        await it.held(waiting)  # two are there, but another is under way
        it.stack.deliver(slow)
        answer = await waiting
        assert len(answer["messages"]) == 2
        assert answer["cursor"] == max(record.number for record in it.services.catalog.every.page().records)
        it.send()
        problem = await it.wait(409, recipient=BOB, mode={"exactly": 2})
        assert len(problem["matched"]) == 3
        assert (await it.wait(408, recipient=BOB, mode={"exactly": 4}, timeout=0.1))["matched"]


async def test_deleted_messages_do_not_count(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        waiting = it.waiting(recipient=BOB, mode={"at_least": 2})
        await it.held(waiting)
        gone = it.send()
        await it.told()
        await it.services.catalog.every.delete([gone])
        kept = it.send()
        await it.told()
        await it.held(waiting)
        await it.services.catalog.of("default").purge()
        last = [it.send(), it.send()]
        assert [message["id"] for message in (await waiting)["messages"]] == last
        assert kept not in last


async def test_reports_count_only_where_they_are_asked_for(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        ident = it.stack.accept(mail(to="nobody@beta.test"), ANN, ["nobody@beta.test"])
        it.stack.deliver(it.stack.fail(ident, "nobody@beta.test"))
        await it.told()
        assert (await it.wait(recipient="nobody@beta.test"))["messages"][0]["state"] == "failed"
        assert (await it.wait(408, subject="Undelivered", timeout=0))["matched"] == []
        assert (await it.wait(subject="Undelivered", reports=True))["messages"][0]["about"] == ident


async def test_a_listener_that_was_overrun_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(tmp_path) as it:
        waiting = it.waiting(recipient=BOB)
        await it.held(waiting)
        (subscription,) = it.services.catalog.hub._subscriptions["default"]
        subscription.overrun = True
        subscription.close()
        it.send()
        assert len((await waiting)["messages"]) == 1


async def test_contents_that_would_be_opened_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "CONTENTS", 2)
    async with rig(tmp_path) as it:
        for _ in range(3):
            it.send()
        await it.told()
        assert (await it.wait(422, body="nothing"))["title"] == "Too many messages would have to be opened"
        assert (await it.wait(408, body="nothing", after="R000001", timeout=0))["status"] == 408


BAD: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"),
    ({"mode": {"exactly": 1, "none": True}}, "mode"),
    ({"mode": {"none": False}}, "mode"),
    ({"mode": {}}, "mode"),
    ({"mode": {"exactly": 101}}, "mode.exactly"),
    ({"timeout": 121}, "timeout"),
    ({"timeout": "5"}, "timeout"),
    ({"regex": "("}, "regex"),
    ({"query": "("}, "query"),
    ({"recipient": "a\r\nb"}, "recipient"),
    ({"after": -1}, "after"),
    ({"after": 1.5}, "after"),
    ({"header": [{"value": "x"}]}, "header.0.name"),
    ({"recipient": 7}, "recipient"),
]


@pytest.mark.parametrize(("body", "field"), BAD)
async def test_bad_requests_name_the_field(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    async with rig(tmp_path) as it:
        problem = await it.wait(422, **body)
        assert field in [error["field"] for error in problem["errors"]]


async def test_a_client_that_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        gone = asyncio.Event()
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/v1/wait",
            "raw_path": b"/v1/wait",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }
        messages = [{"type": "http.request", "body": b'{"recipient": "x@y.test"}'}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            raise AssertionError(message)

        application = it.http._transport.app  # type: ignore[attr-defined]
        serving = asyncio.create_task(application(scope, receive, send))
        while not it.services.catalog.hub:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(0)
        gone.set()
        await serving
        assert not it.services.catalog.hub


async def test_quiet(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        answer = await it.http.post("/v1/quiet")
        assert (answer.status_code, answer.json()) == (200, {"held": [], "cursor": 0})
        ident = it.stack.accept(mail(), ANN, [BOB])
        answer = await it.http.post("/v1/quiet", json={"timeout": 0.1})
        assert answer.status_code == 408
        assert [delivery["id"] for delivery in answer.json()["under_way"]] == [ident]
        asked = it.stack.relay.asked.count(("GET", "/state"))
        waiting = asyncio.create_task(it.http.post("/v1/quiet"))
        other = asyncio.create_task(it.http.post("/v1/quiet"))
        while it.stack.relay.asked.count(("GET", "/state")) < asked + 2:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        it.stack.deliver(ident)
        assert (await waiting).status_code == 200
        assert (await other).json()["cursor"] == it.services.catalog.every.page().records[0].number


async def test_a_relay_that_is_away_is_named(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.stack.relay.away = True
        for path in ("/v1/quiet", "/v1/wait"):
            answer = await it.http.post(path, json={"mode": {"none": True}} if path == "/v1/wait" else {})
            assert (answer.status_code, answer.json()["service"]) == (503, "relay")


@pytest.mark.slow
async def test_send_quiet_count_never_misses(tmp_path: Path) -> None:
    """Five hundred times: what was acknowledged before the question is in the count."""
    chance = random.Random(7)
    async with rig(tmp_path) as it:
        for round_ in range(500):
            address = f"user{round_}@beta.test"
            count = chance.randrange(3)
            sending = []
            for _ in range(count):
                ident = it.stack.accept(mail(to=address), ANN, [address])
                if chance.random() < 0.5:
                    it.stack.deliver(ident)
                else:
                    sending.append(ident)
            loop = asyncio.get_running_loop()
            for ident in sending:
                loop.call_later(chance.random() / 500, it.stack.deliver, ident)
            answer = await it.http.post("/v1/quiet", json={"timeout": 10})
            assert answer.status_code == 200, (round_, answer.text)
            matches = await it.wait(recipient=address, mode={"exactly": count} if count else {"none": True}, timeout=10)
            assert len(matches["messages"]) == count


async def test_long_contents_keep_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    def inside(judge: Judge, verdict: Verdict, content: Parsed | None) -> Verdict:
        threads.add(threading.get_ident())
        return original(judge, verdict, content)

    original = Judge.inside
    monkeypatch.setattr(Judge, "inside", inside)
    async with rig(tmp_path) as it:
        ident = it.send("Long", body="word\r\n" * 20_000 + "Your code is 482913.")
        await it.told()
        answer = await it.wait(regex=r"\d{6}\.")
        assert [message["id"] for message in answer["messages"]] == [ident]
    assert threads
    assert threading.get_ident() not in threads


async def test_waits_that_end_together_look_around_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        first = it.send("First")
        await it.told()
        problems = [await it.wait(408, recipient=BOB, subject=wanted, timeout=0) for wanted in ("y", "z")]
        glance = it.services.waits._glances["default"]
        assert [problem["near_misses"][0]["message"]["id"] for problem in problems] == [first, first]
        second = it.send("Second")
        await it.told()
        problem = await it.wait(408, recipient=BOB, subject="x", timeout=0)
        assert {near["message"]["id"] for near in problem["near_misses"]} == {first, second}
        assert it.services.waits._glances["default"] is not glance


async def test_what_was_there_is_not_counted_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(_waits: object, _record: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(waits, "LOOKING", 0.05)
    monkeypatch.setattr(waits.Waits, "content", slow)
    async with rig(tmp_path) as it:
        it.send("Hello")
        await it.told()
        assert "Give `after`" in (await it.wait(422, regex="x", timeout=0))["detail"]
