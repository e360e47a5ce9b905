"""Authorized URLs: made, used by others, and invalid again (RFC 4467, RFC 5524)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad_store.imap.urlauth import is_valid, token_of
from postroad_store.mail.opened import OpenMessage
from tests.harness.imap import NOW, Place, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

MESSAGE = (
    b"Subject: one\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nfirst\r\n--x\r\n"
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n--x\r\n"
    b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=3Da=\r\nb\r\n--x\r\n"
    b"Content-Type: text/x\r\nContent-Transfer-Encoding: x-what\r\n\r\nabc\r\n--x--\r\n"
)
COMPOSITE = (
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: in\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n\r\n--x\r\n"
    b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nhi\r\n--q--\r\n\r\n--x--\r\n"
)
INBOX = "imap://alice%40alpha.test@alpha.test/INBOX/;UID=1"


async def logged_in(wire: Wire, who: str = "alice") -> Wire:
    secret = {"alice": "wonderland", "bob": "builder"}[who]
    await wire.say(f"l LOGIN {who}@alpha.test {secret}")
    if who == "alice":
        await wire.say(b"a APPEND INBOX {%d+}\r\n%b" % (len(MESSAGE), MESSAGE))
    return wire


async def authorized(wire: Wire, url: str) -> str:
    told = await wire.say(f'g GENURLAUTH "{url}" INTERNAL')
    match = re.fullmatch(r"\* GENURLAUTH \"?([^\"]+?)\"?\r\ng OK Genurlauth completed\.\r\n", told)
    assert match, told
    assert match[1].startswith(f"{url}:INTERNAL:01")
    return match[1]


async def fetched(wire: Wire, url: str, *parameters: str) -> str:
    asked = f'("{url}" {" ".join(parameters)})' if parameters else f'"{url}"'
    told = await wire.say(f"f URLFETCH {asked}")
    assert told.endswith("\r\nf OK Urlfetch completed.\r\n")
    begin = f"* URLFETCH {url} "
    told = told.replace(f'"{url}"', url)
    assert told.startswith(begin)
    return told[len(begin) : -len("\r\nf OK Urlfetch completed.\r\n")]


async def test_who_may_use_a_url(connect: Callable[[], Wire]) -> None:
    alice, bob = await logged_in(connect()), await logged_in(connect(), "bob")
    for access, for_bob in (
        *(("anonymous", True), ("authuser", True), ("user+bob%40alpha.test", True)),
        *(("user+alice%40alpha.test", False), ("submit+bob%40alpha.test", False)),
    ):
        url = await authorized(alice, f"{INBOX}/;SECTION=1;URLAUTH={access}")
        assert await fetched(bob, url) == ("{5}\r\nfirst" if for_bob else "NIL")
    own = await authorized(alice, f"{INBOX}/;SECTION=1;URLAUTH=user+alice%40alpha.test")
    assert await fetched(alice, own) == "{5}\r\nfirst"


async def test_what_a_url_names(connect: Callable[[], Wire]) -> None:
    alice = await logged_in(connect())
    size = len(MESSAGE)
    for piece, text in (
        ("", f"{{{size}}}\r\n{MESSAGE.decode()}"),
        ("/;SECTION=HEADER.FIELDS%20(Subject)", "{16}\r\nSubject: one\r\n\r\n"),
        ("/;SECTION=1/;PARTIAL=1.2", "{2}\r\nir"),
        (f"/;PARTIAL={size - 3}", "{3}\r\n-\r\n"),
        ("/;SECTION=9", "NIL"),
        ("/;SECTION=FOO", "NIL"),
    ):
        assert await fetched(alice, await authorized(alice, f"{INBOX}{piece};URLAUTH=anonymous")) == text
    gone = await authorized(alice, INBOX.replace("UID=1", "UID=9") + ";URLAUTH=anonymous")
    assert await fetched(alice, gone) == "NIL"


async def test_what_is_not_valid(connect: Callable[[], Wire]) -> None:
    alice = await logged_in(connect())
    url = await authorized(alice, f"{INBOX};URLAUTH=anonymous")
    token = url[-64:]
    for wrong in (
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace("INBOX", "inbox"),
        url.replace("INBOX", "Nope"),
        url.replace("alice", "nobody"),
        url.replace("UID=1", "UID=2"),
        url.replace("INTERNAL", "XSAMPLE"),
        url.replace(":INTERNAL:01" + token, ""),
        "imap://alpha.test/INBOX",
        "/INBOX/;UID=1",
        "nonsense",
    ):
        assert await fetched(alice, wrong) == "NIL"
    assert await fetched(alice, url) != "NIL"


async def test_urls_expire(connect: Callable[[], Wire], place: Place) -> None:
    alice = await logged_in(connect())
    url = await authorized(
        alice, f"{INBOX}/;SECTION=1;EXPIRE=2026-03-01T13:00:00%2B00:00;URLAUTH=anonymous".replace("%2B", "+")
    )
    assert await fetched(alice, url) == "{5}\r\nfirst"
    place.shared.clock = Clock(wall=lambda: NOW + 3601)
    assert await fetched(alice, url) == "NIL"


async def test_keys_are_made_anew_and_dropped(connect: Callable[[], Wire]) -> None:
    alice = await logged_in(connect())
    await alice.say("s SELECT INBOX")
    await alice.say("c COPY 1 Drafts")
    here = await authorized(alice, f"{INBOX}/;SECTION=1;URLAUTH=anonymous")
    drafts = await authorized(alice, f"{INBOX.replace('INBOX', 'Drafts')}/;SECTION=1;URLAUTH=anonymous")
    assert await alice.say("r RESETKEY INBOX") == "r OK [URLMECH INTERNAL] Key made anew.\r\n"
    assert await fetched(alice, here) == "NIL"
    assert await fetched(alice, drafts) == "{5}\r\nfirst"
    assert await alice.say("r RESETKEY INBOX internal") == "r OK [URLMECH INTERNAL] Key made anew.\r\n"
    again = await authorized(alice, f"{INBOX}/;SECTION=1;URLAUTH=anonymous")
    assert again != here
    assert await alice.say("r RESETKEY") == "r OK All keys removed.\r\n"
    assert await fetched(alice, again) == "NIL"
    assert await fetched(alice, drafts) == "NIL"


async def test_a_key_is_kept_and_goes_with_its_mailbox(connect: Callable[[], Wire]) -> None:
    alice = await logged_in(connect())
    await alice.say("s SELECT INBOX")
    await alice.say("a CREATE one")
    await alice.say("b COPY 1 one")
    url = await authorized(alice, f"{INBOX.replace('INBOX', 'one')}/;SECTION=1;URLAUTH=anonymous")
    assert await authorized(alice, f"{INBOX.replace('INBOX', 'one')}/;SECTION=1;URLAUTH=anonymous") == url
    await alice.say("c RENAME one two")
    assert await fetched(alice, url) == "NIL"
    await alice.say("d RENAME two one")
    assert await fetched(alice, url) == "{5}\r\nfirst"
    await alice.say("e DELETE one")
    await alice.say("f CREATE one")
    await alice.say("g COPY 1 one")
    assert await fetched(alice, url) == "NIL"


async def test_parts_without_their_encoding(connect: Callable[[], Wire]) -> None:
    alice = await logged_in(connect())
    urls = {
        number: await authorized(alice, f"{INBOX}/;SECTION={number};URLAUTH=anonymous")
        for number in ("1", "2", "3", "4", "HEADER", "1.MIME")
    }
    assert await fetched(alice, urls["2"], "BODY") == "(BODY {4}\r\nYQBi)"
    assert await fetched(alice, urls["2"], "BINARY") == "(BINARY ~{3}\r\na\0b)"
    assert await fetched(alice, urls["3"], "BINARY") == "(BINARY {3}\r\n=ab)"
    assert await fetched(alice, urls["4"], "BINARY") == "(BINARY NIL)"
    assert await fetched(alice, urls["1.MIME"], "BINARY") == "(BINARY {2}\r\n\r\n)"
    assert await fetched(alice, urls["2"], "BODYPARTSTRUCTURE") == (
        '(BODYPARTSTRUCTURE ("image" "png" NIL NIL NIL "base64" 4))'
    )
    assert await fetched(alice, urls["2"], "BINARY", "BODYPARTSTRUCTURE") == (
        '(BODYPARTSTRUCTURE ("image" "png" NIL NIL NIL "BINARY" 3)) (BINARY ~{3}\r\na\0b)'
    )
    assert (await fetched(alice, urls["3"], "BODYPARTSTRUCTURE", "BINARY")).startswith(
        '(BODYPARTSTRUCTURE ("text" "html" ("charset" "us-ascii") NIL NIL "8BIT" 3 0)) (BINARY {3}\r\n'
    )
    assert (await fetched(alice, urls["4"], "BODYPARTSTRUCTURE", "BINARY")).endswith('"x-what" 3 0)) (BINARY NIL)')
    assert await fetched(alice, urls["2"], "BODYPARTSTRUCTURE", "BODY") == (
        '(BODYPARTSTRUCTURE ("image" "png" NIL NIL NIL "base64" 4)) (BODY {4}\r\nYQBi)'
    )
    assert await fetched(alice, urls["HEADER"], "BODYPARTSTRUCTURE") == "NIL"


async def test_a_part_that_has_parts_is_itself_without_encoding(connect: Callable[[], Wire]) -> None:
    """RFC 5524 section 3.2: BINARY is NIL where an encoding is unknown, and multiparts and messages have none."""
    alice = await logged_in(connect())
    await alice.say(b"a APPEND Drafts {%d+}\r\n%b" % (len(COMPOSITE), COMPOSITE))
    drafts = INBOX.replace("INBOX", "Drafts")
    urls = {
        number: await authorized(alice, f"{drafts}/;SECTION={number};URLAUTH=anonymous") for number in ("1", "2", "2.1")
    }
    message = "Subject: in\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n"
    assert await fetched(alice, urls["1"], "BINARY") == f"(BINARY {{{len(message)}}}\r\n{message})"
    multipart = "--q\r\n\r\nhi\r\n--q--\r\n"
    assert await fetched(alice, urls["2"], "BINARY") == f"(BINARY {{{len(multipart)}}}\r\n{multipart})"
    assert await fetched(alice, urls["2"], "BODYPARTSTRUCTURE", "BINARY") == (
        '(BODYPARTSTRUCTURE (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 2 0) "mixed"))'
        f" (BINARY {{{len(multipart)}}}\r\n{multipart})"
    )
    assert await fetched(alice, urls["2.1"], "BINARY") == "(BINARY {2}\r\nhi)"


async def test_urls_of_a_shared_mailbox(connect: Callable[[], Wire]) -> None:
    """RFC 4467 section 2.2: users who share a mailbox have a key each; what a URL gives is what its owner may read."""
    alice, bob = await logged_in(connect()), await logged_in(connect(), "bob")
    shared = "imap://bob%40alpha.test@alpha.test/Other%20Users/alice%40alpha.test/INBOX/;UID=1/;SECTION=1"
    asked = f'g GENURLAUTH "{shared};URLAUTH=authuser" INTERNAL'
    assert await bob.say(asked) == "g BAD URL names a mailbox that doesn't exist\r\n"
    await alice.say("r SETACL INBOX bob@alpha.test l")
    assert await bob.say(asked) == "g NO [NOPERM] Permission denied\r\n"
    await alice.say("r SETACL INBOX bob@alpha.test lr")
    own = await authorized(alice, f"{INBOX}/;SECTION=1;URLAUTH=authuser")
    url = await authorized(bob, f"{shared};URLAUTH=authuser")
    assert url[-64:] != own[-64:]
    for rights, readable in (("lr", True), ("l", False), ('""', False), ("r", True)):
        await alice.say(f"r SETACL INBOX bob@alpha.test {rights}")
        for wire in alice, bob:
            assert await fetched(wire, url) == ("{5}\r\nfirst" if readable else "NIL")
    await alice.say("r RESETKEY INBOX")
    assert await fetched(alice, own) == "NIL"
    assert await fetched(alice, url) == "{5}\r\nfirst"
    await bob.say('r RESETKEY "Other Users/alice@alpha.test/INBOX"')
    assert await fetched(alice, url) == "NIL"


async def test_urls_of_an_own_mailbox_that_may_not_be_read(connect: Callable[[], Wire]) -> None:
    alice, bob = await logged_in(connect()), await logged_in(connect(), "bob")
    asked = f"{INBOX}/;SECTION=1;URLAUTH=anonymous"
    url = await authorized(alice, asked)
    await alice.say("r SETACL INBOX alice@alpha.test -r")
    assert await alice.say(f'g GENURLAUTH "{asked}" INTERNAL') == "g NO [NOPERM] Permission denied\r\n"
    assert await fetched(bob, url) == "NIL"
    await alice.say("r SETACL INBOX alice@alpha.test +r")
    assert await fetched(bob, url) == "{5}\r\nfirst"


async def test_where_octets_are_missing_the_connection_is_closed(
    connect: Callable[[], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await logged_in(connect())
    url = await authorized(alice, f"{INBOX};URLAUTH=anonymous")
    monkeypatch.setattr(OpenMessage, "octets", lambda *_: b"")
    told = await alice.say(f'f URLFETCH "{url}"')
    assert "OK" not in told
    assert alice.closed


async def test_several_urls(connect: Callable[[], Wire]) -> None:
    alice = await logged_in(connect())
    told = await alice.say(f'g GENURLAUTH "{INBOX};URLAUTH=anonymous" INTERNAL "{INBOX};URLAUTH=authuser" internal')
    assert told.count(":INTERNAL:01") == 2
    assert told.count("* GENURLAUTH") == 1
    told = await alice.say("f URLFETCH x (y) z")
    assert told == "* URLFETCH x NIL\r\n* URLFETCH y NIL\r\n* URLFETCH z NIL\r\nf OK Urlfetch completed.\r\n"


def test_tokens(tmp_path: Path) -> None:
    token = token_of("imap://x", b"key")
    assert re.fullmatch(r"01[0-9a-f]{64}", token)
    assert is_valid("imap://x", b"key", token)
    assert not is_valid("imap://y", b"key", token)
    assert not is_valid("imap://x", b"other", token)
