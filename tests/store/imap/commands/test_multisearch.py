"""ESEARCH over many mailboxes (RFC 7377 §2.4); what it finds is in tests/dialogues/imap/multisearch.txt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands import multisearch
from postroad_store.imap.commands.search import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.imap import Wire


async def test_not_too_many_at_once(connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multisearch, "MAX_MAILBOXES", 1)
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    assert (await wire.say("a ESEARCH IN (personal) ALL")).startswith("a NO [LIMIT] ")
    assert (await wire.say("b ESEARCH IN (mailboxes INBOX) ALL")) == "b OK Search completed.\r\n"


async def test_a_name_that_is_no_mailbox_is_passed_over(connect: Callable[[], Wire]) -> None:
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("a CREATE a/b")
    await wire.say("b DELETE a")
    assert (await wire.say("c ESEARCH IN (mailboxes a) ALL")) == "c OK Search completed.\r\n"


async def test_a_result_that_is_too_large_is_not_saved(
    connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "MAX_SAVED", 0)
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("a APPEND INBOX {9+}\r\nA: b\r\n\r\nx")
    await wire.say("s SELECT INBOX")
    assert "b NO [NOTSAVED]" in await wire.say("b ESEARCH RETURN (SAVE) ALL")


async def test_a_tag_that_is_in_use(connect: Callable[[], Wire]) -> None:
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("s SELECT INBOX")
    await wire.say("a SEARCH RETURN (UPDATE) ALL")
    assert await wire.say("a ESEARCH RETURN (UPDATE) ALL") == "a BAD Tag reuse\r\n"


async def test_rights(connect: Callable[[], Wire]) -> None:
    """RFC 7377 §2.2: "r" for every mailbox, and "l" for those that are not named."""
    alice, bob = connect(), connect()
    await alice.say("l LOGIN alice@alpha.test wonderland")
    await bob.say("l LOGIN bob@alpha.test builder")
    for name, rights in (("seen", "lr"), ("listed", "l"), ("hidden", "r"), ("own", "")):
        await alice.say(f"a CREATE {name}")
        await alice.say(f"b APPEND {name} {{9+}}\r\nA: b\r\n\r\nx")
        if rights:
            await alice.say(f"c SETACL {name} bob@alpha.test {rights}")
    others = "Other Users/alice@alpha.test"

    async def mailboxes_in(source: str) -> list[str]:
        answer = await bob.say(f"d ESEARCH IN ({source}) ALL")
        assert answer.endswith("d OK Search completed.\r\n")
        return [line.partition(f"{others}/")[2].partition('"')[0] for line in answer.splitlines()[:-1]]

    assert await mailboxes_in("personal") == []
    assert await mailboxes_in(f'subtree "{others}"') == ["seen"]
    assert await mailboxes_in(f'subtree-one "{others}"') == ["seen"]
    names = " ".join(f'"{others}/{name}"' for name in ("seen", "listed", "hidden", "own"))
    assert await mailboxes_in(f"mailboxes ({names})") == ["hidden", "seen"]
    await bob.say(f'e SELECT "{others}/seen"')
    assert await mailboxes_in("selected") == ["seen"]


async def test_inbox_is_one_name_in_any_case(connect: Callable[[], Wire]) -> None:
    """RFC 3501 §5.1; and no mailbox is searched twice (RFC 7377 §2.2), whatever the sources call it."""
    wire = connect()
    await wire.say("l LOGIN alice@alpha.test wonderland")
    await wire.say("a CREATE INBOX/sub")
    await wire.say("b APPEND INBOX/sub {9+}\r\nA: b\r\n\r\nx")
    for sources in ('subtree "inbox/sub"', 'subtree-one "Inbox"', 'mailboxes "inbox/sub" personal'):
        answer = await wire.say(f"c ESEARCH IN ({sources}) RETURN (COUNT) ALL")
        assert answer.count("* ESEARCH") == answer.count("MAILBOX INBOX/sub ") == 1, sources
    answer = await wire.say('d ESEARCH IN (subtree-one "&bad" subtree "&bad") RETURN (COUNT) ALL')
    assert answer == "d OK Search completed.\r\n"  # what is no name is not the root
