"""Each endpoint of the store's control door, by its client."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from postroad.control.client import DoorRefused, quote_path
from postroad.journal import Kind
from postroad_store.control import contents, purge
from postroad_store.control.reading import Reading
from postroad_store.imap.commands.copy import MOVE
from postroad_store.imap.commands.idle import IDLE
from postroad_store.mail.database.listing import Listing
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.model.flags import DELETED, NO_FLAGS, SEEN, FlagSet
from postroad_store.mail.storage import Storage
from tests.harness.imap import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postroad.control.client import DoorClient
    from postroad_store.mail.model.mailbox import Mailbox
    from tests.harness.imap import Place, Wire

ALICE = "alice@alpha.test"
MAIL = b"Subject: x\r\n\r\nbody\r\n"
GONE = b"\xff\xff\xff\xff"


async def put(place: Place, *messages: bytes, flags: FlagSet = NO_FLAGS, mailbox: str = "INBOX") -> Mailbox:
    box = (await place.storage.account(ALICE)).selectable(mailbox)
    await place.storage.append([Arrival((box,), message, 1000, flags) for message in messages])
    return box


def of(login: str, *rest: str) -> str:
    return quote_path("accounts", login, *rest)


def unframed(octets: bytes) -> list[bytes | None]:
    frames: list[bytes | None] = []
    while octets:
        if octets[:4] == GONE:
            frames.append(None)
            octets = octets[4:]
        else:
            end = 4 + int.from_bytes(octets[:4], "big")
            frames.append(octets[4:end])
            octets = octets[end:]
    return frames


async def refused(call: Any) -> int:
    with pytest.raises(DoorRefused) as caught:
        await call
    assert caught.value.sentence
    return caught.value.status


async def test_accounts(place: Place, door: DoorClient) -> None:
    none = {"mailboxes": 0, "messages": 0, "unseen": 0}
    both = [{"login": ALICE, **none}, {"login": "bob@alpha.test", **none}]
    assert await door.get("/accounts") == {"accounts": both}
    await put(place, MAIL, MAIL)
    await put(place, MAIL, flags=FlagSet(SEEN), mailbox="Sent")
    await place.storage.account("made@alpha.test")
    alice, bob, newcomer = (await door.get("/accounts"))["accounts"]
    assert alice == {"login": ALICE, "mailboxes": 6, "messages": 3, "unseen": 2}
    assert bob == both[1]
    assert newcomer == {"login": "made@alpha.test", "mailboxes": 6, "messages": 0, "unseen": 0}


async def test_scripts(door: DoorClient, place: Place) -> None:
    path = of(ALICE, "scripts")
    assert await door.get(path) == {"scripts": []}
    assert await door.put(of(ALICE, "scripts", "a b"), {"script": "keep;"}) == {"warnings": []}
    assert await door.get(path) == {"scripts": [{"name": "a b", "active": False}]}
    warned = 'require "vacation"; vacation :days 99 "x";'
    (warning,) = (await door.put(of(ALICE, "scripts", "c"), {"script": warned, "active": True}))["warnings"]
    assert ":days is at most 90" in warning
    assert await door.get(path) == {"scripts": [{"name": "a b", "active": False}, {"name": "c", "active": True}]}
    assert place.storage.scripts.has_active(await place.storage.account(ALICE))
    assert await door.octets(of(ALICE, "scripts", "a b")) == b"keep;"
    assert await refused(door.get(of(ALICE, "scripts", "none"))) == 404
    assert await refused(door.put(of(ALICE, "scripts", "x"), {"script": "foo;"})) == 422
    assert await refused(door.put(of(ALICE, "scripts", "\x01"), {"script": "keep;"})) == 422
    assert await refused(door.put(of(ALICE, "scripts", "x"), {"script": "keep;", "active": "no"})) == 400
    assert await refused(door.put(of(ALICE, "scripts", "x"), ["keep;"])) == 400
    assert await refused(door.delete(of(ALICE, "scripts", "none"))) == 404
    assert await door.delete(of(ALICE, "scripts", "c")) == {}
    assert await door.delete(of(ALICE, "scripts", "a b")) == {}
    assert not place.storage.scripts.has_active(await place.storage.account(ALICE))


async def test_hidden(place: Place, door: DoorClient, connect: Callable[[], Wire]) -> None:
    path = of("ALICE@alpha.test", "hidden")
    as_in_the_world = {"capabilities": [], "by_world": True}
    assert await door.get(path) == as_in_the_world
    before = connect()
    login = "a LOGIN alice@alpha.test wonderland"
    await before.say(login)
    hidden = {"capabilities": ["IDLE", "MOVE"], "by_world": False}
    assert await door.put(path, {"capabilities": ["move", "Idle"]}) == hidden
    assert await door.get(path) == hidden
    wire, other = connect(), connect()
    assert " IDLE " in (await wire.until(1)).decode()
    assert " IDLE " not in await wire.say(login)
    assert await wire.say("b IDLE") == "b BAD Error in IMAP command IDLE: Unknown command\r\n"
    assert " IDLE " in await other.say("a LOGIN bob@alpha.test builder")
    assert await before.say("b IDLE") == "+ idling\r\n"
    place.storage.close()
    place.storage = place.shared.storage = Storage(place.incoming.parent / "mail")
    later = connect()
    assert " MOVE " not in await later.say(login)


async def test_hidden_no_more(door: DoorClient, connect: Callable[[], Wire]) -> None:
    path = of("alice@alpha.test", "hidden")
    await door.put(path, {"capabilities": ["MOVE"]})
    assert await door.delete(path) == {"capabilities": [], "by_world": True}
    assert " MOVE " in await connect().say("a LOGIN alice@alpha.test wonderland")
    await door.put(path, {"capabilities": []})
    assert await door.get(path) == {"capabilities": [], "by_world": False}


async def test_hidden_in_place_of_what_the_world_hides(door: DoorClient, place: Place) -> None:
    alpha = place.accounts.world.domains["alpha.test"]
    bob = replace(alpha.accounts["bob"], imap_without=frozenset({"IDLE"}))
    domain = replace(alpha, accounts={**alpha.accounts, "bob": bob})
    place.accounts.world = replace(place.accounts.world, domains={"alpha.test": domain})
    assert await door.get(of("bob@alpha.test", "hidden")) == {"capabilities": ["IDLE"], "by_world": True}
    await door.put(of("bob@alpha.test", "hidden"), {"capabilities": ["MOVE"]})
    assert place.shared.offer_to("bob@alpha.test").offers(IDLE)
    assert not place.shared.offer_to("bob@alpha.test").offers(MOVE)


@pytest.mark.parametrize(
    ("login", "body", "status"),
    [
        (ALICE, [], 400),
        (ALICE, {"capabilities": [1]}, 400),
        (ALICE, {"capabilities": ["IDLE", "XYZ"]}, 422),
        (ALICE, {"capabilities": ["IMAP4rev1"]}, 422),
        ("nobody@alpha.test", {"capabilities": []}, 404),
    ],
)
async def test_hidden_asked_for_wrongly(door: DoorClient, login: str, body: object, status: int) -> None:
    assert await refused(door.put(of(login, "hidden"), body)) == status
    assert await refused(door.get(of("nobody@alpha.test", "hidden"))) == 404


async def test_mailboxes(place: Place, door: DoorClient) -> None:
    inbox = await put(place, MAIL, MAIL, MAIL, flags=FlagSet(SEEN))
    await put(place, MAIL)
    account = await place.storage.account(ALICE)
    await place.storage.create(account, "a/b")
    await place.storage.delete(account, "a")
    listed = {box["name"]: box for box in (await door.get(of(ALICE.upper(), "mailboxes")))["mailboxes"]}
    assert listed["INBOX"] == {
        "name": "INBOX",
        "special_use": None,
        "selectable": True,
        "messages": 4,
        "unseen": 1,
        "uid_validity": inbox.uid_validity,
        "uid_next": 5,
    }
    assert listed["Sent"]["special_use"] == "\\Sent"
    assert listed["a"]["selectable"] is False
    assert len((await door.get(of("bob@alpha.test", "mailboxes")))["mailboxes"]) == 6  # nobody has logged in yet
    assert await refused(door.get(of("nobody@alpha.test", "mailboxes"))) == 404


async def test_messages(place: Place, door: DoorClient) -> None:
    await put(place, MAIL, flags=FlagSet(SEEN | DELETED, ("$Work",)))
    await put(place, MAIL, MAIL)
    path = of(ALICE, "messages")
    first = await door.get(path, mailbox="inbox", limit=2)
    assert first == {
        "messages": [
            {"uid": 1, "flags": ["\\Deleted", "\\Seen", "$Work"], "internal_date": 1000, "size": len(MAIL)},
            {"uid": 2, "flags": [], "internal_date": 1000, "size": len(MAIL)},
        ],
        "next": 2,
    }
    second = await door.get(path, mailbox="INBOX", after=2, limit=2)
    assert ([message["uid"] for message in second["messages"]], second["next"]) == ([3], None)
    assert await refused(door.get(path, mailbox="none")) == 404
    assert await refused(door.get(path)) == 400
    assert await refused(door.get(path, mailbox="INBOX", limit=0)) == 400


async def test_content(place: Place, door: DoorClient) -> None:
    large = MAIL + b"x" * 3_000_000
    inbox = await put(place, MAIL, b"", large)
    where: dict[str, Any] = {"account": ALICE, "mailbox": "INBOX", "uid_validity": inbox.uid_validity}
    assert await door.octets("/content", **where, uid=1) == MAIL
    assert await door.octets("/content", **where, uid=2) == b""
    assert await door.octets("/content", **where, uid=3) == large
    assert await refused(door.octets("/content", **where, uid=4)) == 404
    assert await refused(door.octets("/content", **(where | {"account": "bob@alpha.test"}), uid=1)) == 404
    assert await refused(door.octets("/content", **(where | {"uid_validity": 1}), uid=1)) == 404


async def test_a_copy_is_found_in_a_renamed_mailbox(place: Place, door: DoorClient) -> None:
    sent = await put(place, MAIL, mailbox="Sent")
    await place.storage.rename(await place.storage.account(ALICE), "Sent", "Posted/2026")
    where: dict[str, Any] = {"account": ALICE, "mailbox": "Sent", "uid_validity": sent.uid_validity}
    assert await door.octets("/content", **where, uid=1) == MAIL


async def test_contents(place: Place, door: DoorClient, monkeypatch: pytest.MonkeyPatch) -> None:
    large = MAIL + b"x" * 3_000_000
    inbox = await put(place, MAIL, large, b"Subject: 3\r\n\r\n")
    copies = [[ALICE, "INBOX", inbox.uid_validity, uid] for uid in (3, 99, 2, 1)]
    answered = unframed(await door.post_for_octets("/contents", {"copies": copies}))
    assert answered == [b"Subject: 3\r\n\r\n", None, large, MAIL]
    monkeypatch.setattr(contents, "OCTETS", 1000)
    answered = unframed(await door.post_for_octets("/contents", {"copies": copies}))
    assert answered == [b"Subject: 3\r\n\r\n", None, large]
    assert await door.post_for_octets("/contents", {"copies": []}) == b""


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"copies": 1},
        {"copies": [1]},
        {"copies": [[ALICE, "INBOX", 1]]},
        {"copies": [[ALICE, "INBOX", 1, -1]]},
        {"copies": [[ALICE, "INBOX", 1 << 32, 1]]},
        {"copies": [[ALICE, "INBOX", 1, 1]] * 10_001},
    ],
)
async def test_contents_asked_for_wrongly(door: DoorClient, body: object) -> None:
    assert await refused(door.post_for_octets("/contents", body)) == 400


async def test_append(place: Place, door: DoorClient, connect: Callable[[], Wire]) -> None:
    wire = connect()
    await wire.say(f"l LOGIN {ALICE} wonderland")
    await wire.say("s SELECT INBOX")
    await wire.say("i IDLE")
    stored = await door.post_octets(
        of(ALICE, "append"), b"Subject: x\n\nbody\n", mailbox="INBOX", flags="\\seen $Work", date=2000.5
    )
    assert stored == {"uid_validity": (await place.storage.account(ALICE)).inbox.uid_validity, "uid": 1}
    assert b"* 1 EXISTS\r\n" in await wire.until(1)
    ((uid, flags, date, size),) = (
        tuple(message.values()) for message in (await door.get(of(ALICE, "messages"), mailbox="INBOX"))["messages"]
    )
    assert (uid, flags, date, size) == (1, ["\\Seen", "$Work"], 2000, len(MAIL))
    assert place.journal.entries == []


async def test_append_makes_the_mailbox(place: Place, door: DoorClient) -> None:
    path = of(ALICE, "append")
    assert (await door.post_octets(path, MAIL, mailbox="new/Ünterbox"))["uid"] == 1
    assert (await door.post_octets(path, MAIL, mailbox="new/Ünterbox"))["uid"] == 2
    account = await place.storage.account(ALICE)
    assert account.selectable("new/Ünterbox").uid_next == 3
    (listed, _) = (await door.get(of(ALICE, "messages"), mailbox="new/Ünterbox"))["messages"]
    assert (listed["flags"], listed["internal_date"]) == ([], int(NOW))


@pytest.mark.parametrize(
    ("login", "query", "body", "status"),
    [
        ("nobody@elsewhere.test", {"mailbox": "INBOX"}, MAIL, 404),
        (ALICE, {}, MAIL, 400),
        (ALICE, {"mailbox": "a//b"}, MAIL, 422),
        (ALICE, {"mailbox": "Other Users/bob/x"}, MAIL, 422),
        (ALICE, {"mailbox": "INBOX"}, b"", 422),
        (ALICE, {"mailbox": "INBOX", "flags": "\\Recent"}, MAIL, 422),
        (ALICE, {"mailbox": "INBOX", "flags": "a{"}, MAIL, 422),
        (ALICE, {"mailbox": "INBOX", "date": "yesterday"}, MAIL, 400),
    ],
)
async def test_append_asked_for_wrongly(
    door: DoorClient, login: str, query: dict[str, str], body: bytes, status: int
) -> None:
    assert await refused(door.post_octets(of(login, "append"), body, **query)) == status
    assert (await door.get("/figures"))["messages"] == 0


def framed(*frames: bytes) -> bytes:
    return b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)


def head(*flags: str, date: float | None = None) -> bytes:
    return json.dumps({"flags": flags, "date": date}).encode()


async def test_appends(place: Place, door: DoorClient) -> None:
    body = framed(head("\\Seen", date=5.0), MAIL, head("x"), b"Subject: 2\n\n", head(), b"x" * 300_000)
    stored = await door.post_octets(of(ALICE, "appends"), body, mailbox="INBOX")
    assert stored["uids"] == [1, 2, 3]
    listed = (await door.get(of(ALICE, "messages"), mailbox="INBOX"))["messages"]
    assert [(message["flags"], message["internal_date"], message["size"]) for message in listed] == [
        (["\\Seen"], 5, len(MAIL)),
        (["x"], int(NOW), 14),
        ([], int(NOW), 300_000),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (framed(head(), b""), 422),
        (framed(head()), 400),
        (framed(head(), MAIL)[:-1], 400),
        (framed(head(), MAIL) + b"\0", 400),
        (framed(b"{}", MAIL), 400),
        (framed(b"{", MAIL), 400),
        (framed(b'{"flags":[1],"date":null}', MAIL), 400),
        (framed(head(date=-1), MAIL), 400),
        (framed(head(), MAIL, head("\\No"), MAIL), 422),
    ],
)
async def test_appends_asked_for_wrongly(door: DoorClient, body: bytes, status: int) -> None:
    assert await refused(door.post_octets(of(ALICE, "appends"), body, mailbox="INBOX")) == status
    assert (await door.get("/figures"))["messages"] == 0


async def test_remove(place: Place, door: DoorClient, connect: Callable[[], Wire]) -> None:
    inbox = await put(place, MAIL, MAIL, MAIL, MAIL)
    wire = connect()
    await wire.say(f"l LOGIN {ALICE} wonderland")
    await wire.say("s SELECT INBOX")
    assert await door.post(of(ALICE, "remove"), {"mailbox": "inbox", "uids": [3, 1, 1, 9]}) == {"removed": 2}
    assert await wire.say("n NOOP") == "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 2 RECENT\r\nn OK NOOP completed.\r\n"
    detail = {"account": ALICE, "mailbox": "INBOX", "uid_validity": inbox.uid_validity, "protocol": "control"}
    assert place.journal.entries == [(Kind.REMOVED, detail | {"uid": "1,3"})]
    assert await door.post(of(ALICE, "remove"), {"mailbox": "inbox", "uids": []}) == {"removed": 0}


@pytest.mark.parametrize(
    ("login", "body", "status"),
    [
        ("nobody@alpha.test", {"mailbox": "INBOX", "uids": [1]}, 404),
        (ALICE, {"mailbox": "Nothing", "uids": [1]}, 404),
        (ALICE, {"mailbox": "INBOX"}, 400),
        (ALICE, {"mailbox": "INBOX", "uids": [True]}, 400),
        (ALICE, {"mailbox": "INBOX", "uids": list(range(10_001))}, 400),
    ],
)
async def test_remove_asked_for_wrongly(door: DoorClient, login: str, body: object, status: int) -> None:
    assert await refused(door.post(of(login, "remove"), body)) == status


async def test_purge(
    place: Place, door: DoorClient, connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "STEP", 2)
    await put(place, *[MAIL] * 5)
    await put(place, MAIL, mailbox="Sent")
    bob = (await place.storage.account("bob@alpha.test")).inbox
    await place.storage.append([Arrival((bob,), MAIL, 0, NO_FLAGS)])
    wire = connect()
    await wire.say(f"l LOGIN {ALICE} wonderland")
    await wire.say("s SELECT INBOX")
    assert await door.delete("/mail", account=ALICE) == {"removed": 6}
    assert (await wire.say("n NOOP")).count(" EXPUNGE\r\n") == 5
    noted = [(detail["mailbox"], detail["uid"], detail["protocol"]) for _, detail in place.journal.entries]
    assert noted == [
        ("INBOX", "1:2", "control"),
        ("INBOX", "3:4", "control"),
        ("INBOX", 5, "control"),
        ("Sent", 1, "control"),
    ]
    assert await door.delete("/mail") == {"removed": 1}
    assert await door.delete("/mail") == {"removed": 0}
    assert {account["mailboxes"] for account in (await door.get("/accounts"))["accounts"]} == {6}
    assert await refused(door.delete("/mail", account="nobody@alpha.test")) == 404


async def test_a_mailbox_that_is_deleted_while_it_is_emptied(
    place: Place, door: DoorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await place.storage.account(ALICE)
    await place.storage.create(account, "box")
    box = await put(place, MAIL, MAIL, mailbox="box")
    await put(place, MAIL, mailbox="Sent")
    expunge = place.storage.expunge

    def deleted_first(mailbox: Mailbox, *args: Any, **options: Any) -> Any:
        if mailbox is box:
            place.storage.delete(account, "box")
        return expunge(mailbox, *args, **options)

    monkeypatch.setattr(place.storage, "expunge", deleted_first)
    assert await door.delete("/mail") == {"removed": 1}


async def test_figures(place: Place, door: DoorClient, connect: Callable[[], Wire]) -> None:
    await put(place, MAIL, MAIL)
    wire = connect()
    await wire.say(f"l LOGIN {ALICE} wonderland")
    await wire.say("s SELECT INBOX")
    figures = await door.get("/figures")
    assert figures["sessions"] == {"imap": 3}
    assert figures["messages"] == 2
    assert figures["mailboxes"] == {"open": 1}
    commits = figures["commits"]
    assert commits["count"] == commits["buckets"]["300.0"] >= 2
    assert 0 < commits["sum"] < 60
    assert figures["journal"]["dropped"] == 0
    assert figures["process"]["rss"] > 1_000_000


async def test_a_database_that_cannot_be_read(place: Place, door: DoorClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(login: str) -> None:
        raise StorageError("the mail cannot be read or written")

    monkeypatch.setattr(place.storage, "account", broken)
    assert await refused(door.get(of(ALICE, "mailboxes"))) == 503


async def test_a_database_that_has_gone(place: Place, tmp_path: Path) -> None:
    reading = Reading(tmp_path / "nowhere")
    with pytest.raises(StorageError):
        await reading(Listing.count)
    reading.close()


async def test_the_journal_is_there(door: DoorClient) -> None:
    assert (await door.journal(0)).lines == []


async def test_quota(place: Place, door: DoorClient, connect: Callable[[], Wire]) -> None:
    path = of("ALICE@alpha.test", "quota")
    none = {"used": 0, "limit": None}
    assert await door.get(path) == {"storage": none, "messages": none, "reject": False, "by_world": True}
    said = await door.put(path, {"storage": 5000, "messages": 1})
    assert said == {
        "storage": {"used": 0, "limit": 5000},
        "messages": {"used": 0, "limit": 1},
        "reject": False,
        "by_world": False,
    }
    append = of(ALICE, "append")
    await door.post_octets(append, b"Subject: x\r\n\r\nbody\r\n", mailbox="INBOX")
    assert await refused(door.post_octets(append, b"Subject: x\r\n\r\nbody\r\n", mailbox="INBOX")) == 507
    wire = connect()
    await wire.until(1)
    await wire.say("a LOGIN alice@alpha.test wonderland")
    told = "* QUOTA alice@alpha.test (STORAGE 1 4 MESSAGE 1 1)\r\n"
    assert await wire.say("q GETQUOTA alice@alpha.test") == f"{told}q OK Getquota completed.\r\n"
    assert (await door.delete(path))["by_world"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"storage": 1},
        {"storage": -1, "messages": 1},
        {"storage": "1", "messages": 1},
        {"storage": True, "messages": 1},
        [],
    ],
)
async def test_quota_set_wrongly(door: DoorClient, body: object) -> None:
    assert await refused(door.put(of(ALICE, "quota"), body)) == 400
