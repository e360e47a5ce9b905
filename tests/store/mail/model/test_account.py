"""Names of mailboxes, and an account's mailboxes by name (RFC 3501 §5.1)."""

from __future__ import annotations

import pytest

from postroad_store.mail.model import account as module
from postroad_store.mail.model.account import Account, Named, canonical_name, checked_name
from postroad_store.mail.model.contents import MailboxRow
from postroad_store.mail.model.errors import NameNotAllowed, NameTooLong, NoSuchMailbox
from postroad_store.mail.model.flags import Change
from postroad_store.mail.model.mailbox import Mailbox


def mailbox(name: str, *, selectable: bool = True) -> Mailbox:
    return Mailbox(MailboxRow(1, name, None, selectable, 7, 1, 1, 0))


def account(*names: str) -> Account:
    return Account(5, "alice@alpha.test", [mailbox("INBOX"), *map(mailbox, names)], ["INBOX"], lambda _: None)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("inbox", "INBOX"),
        ("InBox/x", "INBOX/x"),
        ("INBOX/inbox", "INBOX/inbox"),
        ("inboxes", "inboxes"),
        ("inbo", "inbo"),
        ("a/inbox", "a/inbox"),
        ("", ""),
    ],
)
def test_inbox_in_any_case(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize(
    "name",
    ["a", "inbox", "Ünïcödé & more", "全角\u3000空白", "~home", " ", "x" * 255, "é" * 127, "/".join("a" * 20)],
)
def test_names_that_can_be(name: str) -> None:
    assert checked_name(name) == canonical_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "/", "/a", "a/", "a//b", "a\r\nb", "a\x00", "\x1f", "\x7f", "\x9f", "\u2028", "\u2029", "\ud800", "a*", "a%b"],
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(NameNotAllowed) as refused:
        checked_name(name)
    assert refused.value.code == "CANNOT"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x" * 256, "a level of a mailbox name has at most 255 octets"),
        ("a/" + "é" * 128, "a level of a mailbox name has at most 255 octets"),
        ("\udc80" * 100, "a level of a mailbox name has at most 255 octets"),
        ("/".join("a" * 21), "a mailbox name has at most 20 levels"),
    ],
)
def test_names_beyond_a_limit(name: str, text: str) -> None:
    with pytest.raises(NameTooLong, match=text) as refused:
        checked_name(name)
    assert refused.value.code == "LIMIT"


def test_every_account_has_the_mailboxes_of_rfc_6154_that_clients_look_for() -> None:
    assert {name: f"\\{name}" for name in ("Drafts", "Sent", "Junk", "Trash", "Archive")} == module.SPECIAL_USE


def test_limits() -> None:
    assert (module.MAX_NAME, module.MAX_DEPTH, module.MAX_MAILBOXES, module.MAX_SUBSCRIPTIONS) == (
        255,
        20,
        100_000,
        200_000,
    )


def test_finding_a_mailbox() -> None:
    alice = account("work", "Work")
    assert (alice.id, alice.login, alice.subscriptions) == (5, "alice@alpha.test", {"INBOX"})
    assert alice.inbox is alice.find("inbox") is alice.selectable("iNbOx")
    assert alice.find("work") is alice.mailboxes["work"] is not alice.find("Work")
    assert alice.find("WORK") is None
    with pytest.raises(NoSuchMailbox, match="there is no such mailbox"):
        alice.selectable("nowhere")
    alice.put(mailbox("name", selectable=False))
    assert alice.find("name") is alice.mailboxes["name"]
    with pytest.raises(NoSuchMailbox, match="a name in the hierarchy"):
        alice.selectable("name")


def test_inferiors() -> None:
    alice = account("a", "a/b", "ab", "a-", "b")
    assert [name for name, box in alice.mailboxes.items() if alice.has_inferiors(name)] == ["a"]
    alice.put(mailbox("b/c"))
    assert alice.has_inferiors("b")
    box = alice.mailboxes["a/b"]
    assert alice.take("a/b") is box
    assert not alice.has_inferiors("a")
    assert alice.find("a/b") is None
    alice.rename([("b/c", "a/d"), ("ab", "b/e")])
    assert alice.has_inferiors("a")
    assert alice.has_inferiors("b")
    alice.take("a/d")
    alice.take("b/e")
    assert not alice.has_inferiors("a")
    assert not alice.has_inferiors("b")


class Heard:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def changed(self, mailbox: Mailbox, *, arrived: bool = False, expunged: bool = False) -> None:
        self.told.append((mailbox.name, "arrived" if arrived else "expunged" if expunged else "flags"))

    def named(self, name: str, old_name: str | None = None) -> None:
        self.told.append(("named", name, old_name or ""))

    def subscribed(self, name: str) -> None:
        self.told.append(("subscribed", name))


def test_observers_hear_of_what_a_snapshot_changes() -> None:
    alice, _ = named("a", "b", "c")
    alice.subscriptions = {"a", "x", "y"}
    heard = Heard()
    alice.observers.add(heard)
    alice.replace(
        [Named(1, "INBOX", None, True), *(Named(n, name, None, True) for n, name in enumerate("bcd", 2))], "yz"
    )
    assert heard.told == [
        *(("named", "a", ""), ("named", "d", ""), ("named", "gone", "")),
        *(("subscribed", "a"), ("subscribed", "x"), ("subscribed", "z")),
    ]
    assert (alice.names, alice.subscriptions) == (["INBOX", "b", "c", "d"], {"y", "z"})


def test_observers_hear_of_all_mailboxes() -> None:
    """Of those that nobody looks at too, however they have come into memory."""
    later, put = mailbox("later"), mailbox("put")
    read = {2: later, 3: None}
    entries: list[Mailbox | Named] = [mailbox("INBOX")]
    entries += [Named(2, "later", None, selectable=True), Named(3, "gone", None, selectable=True)]
    alice = Account(5, "alice@alpha.test", entries, [], read.get)
    heard = Heard()
    alice.observers.add(heard)
    alice.put(put)
    assert alice.find("gone") is None
    assert alice.find("later") is later
    alice.inbox.arrive(2, [(1, 0, 1, 1)], [])
    later.reflag(2, [(1, 1)], Change.ADD, 1, naming=[], by=None)
    put.remove(2, [1])
    put.empty(3)
    alice.tell_named("new", "old")
    alice.tell_subscribed("new")
    assert heard.told == [
        *(("INBOX", "arrived"), ("later", "flags"), ("put", "expunged"), ("put", "expunged")),
        *(("named", "new", "old"), ("subscribed", "new")),
    ]
    alice.observers.discard(heard)
    put.remove(4, [1])
    assert len(heard.told) == 6


def named(*names: str) -> tuple[Account, list[int]]:
    """An account whose mailboxes nobody has used, and the ids of those that are read."""
    read: list[int] = []

    def load(number: int) -> Mailbox | None:
        read.append(number)
        return Mailbox(MailboxRow(number, entries[number].name, None, True, number, 1, 1, 0)) if number else None

    entries = {number: Named(number, name, None, True) for number, name in enumerate(("gone", "INBOX", *names))}
    return Account(5, "alice@alpha.test", entries.values(), (), load), read


def test_mailboxes_are_made_when_they_are_used() -> None:
    alice, read = named("a", "a/b")
    assert alice.names == ["INBOX", "a", "a/b", "gone"]
    assert alice.has_inferiors("a")
    assert not read
    assert alice.glance("a") is not alice.glance("a")
    assert alice.find("a") is alice.find("a") is alice.glance("a")
    assert alice.inbox is alice.find("inbox")
    assert alice.find("gone") is None
    assert alice.listed("a/b") == Named(3, "a/b", None, True)
    assert set(alice.mailboxes) == {"INBOX", "a", "a/b"}


def test_what_nobody_has_used_can_change() -> None:
    alice, read = named("a", "a/b", "a/c")
    alice.set_special_use("a/b", "\\Sent")
    alice.set_acl("a/b", "l anyone")
    alice.rename([("a", "z"), ("a/b", "z/b"), ("a/c", "z/c")])
    assert alice.listed("z/b") == Named(3, "z/b", "\\Sent", True, "l anyone")
    assert alice.names == ["INBOX", "gone", "z", "z/b", "z/c"]
    assert alice.has_inferiors("z")
    assert not alice.has_inferiors("a")
    assert alice.take("z/c") == Named(4, "z/c", None, True)
    assert not read


def test_what_is_in_use_can_change() -> None:
    alice = account("a", "b")
    box = alice.selectable("a")
    alice.set_special_use("a", "\\Sent")
    alice.set_acl("a", "l anyone")
    alice.rename([("a", "c")])
    assert (box.name, box.special_use, box.acl) == ("c", "\\Sent", "l anyone")
    alice.put(box)  # as it is already
    assert alice.names == ["INBOX", "b", "c"]


def test_very_many_names_change_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 2)
    alice, _ = named("a", "a/b", "a/c", "b")
    alice.rename([("a", "z"), ("a/b", "z/b"), ("a/c", "z/c")])
    assert alice.names == ["INBOX", "b", "gone", "z", "z/b", "z/c"]
    alice.rename([("z", "c"), ("z/b", "a"), ("z/c", "c/c")])
    assert alice.names == ["INBOX", "a", "b", "c", "c/c", "gone"]
