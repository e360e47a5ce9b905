"""ENVELOPE, BODY and BODYSTRUCTURE against what Debian's Dovecot says of the same messages.

Every difference stands below with its reason: an RFC that is on our side. All else must be equal, a literal and a
quoted string of the same octets being one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from postroad.mime.structure import parse
from tests.golden.structure.cases import CASES
from tests.golden.structure.dovecot import HERE, quoted, write
from tests.mail.corpus import cpython_messages

if TYPE_CHECKING:
    from tests.mail.corpus import Message

UNFOLDING = "RFC 5322 §2.2.3: unfolding takes CRLF away and leaves white space; Dovecot makes it one space"
PARAMETERS = "RFC 2231 §7: SPACE and quotes are no attribute-char; Dovecot leaves them in what it makes extended"
NO_BOUNDARY = "RFC 2046 §5.1.1: the boundary parameter is required; without it RFC 2045 §5.2 has text/plain"
DEFAULT_TYPE = "RFC 2045 §5.2: a Content-Type that cannot be read counts as text/plain in US-ASCII"
DELIMITER = "RFC 2046 §5.1.1: the CRLF before a delimiter line belongs to it; Dovecot gives it to the message inside"
ADDRESS = "RFC 5322 §4.4: white space and dots between words of an addr-spec are allowed (obs-local-part, obs-domain)"
EMPTY = "RFC 5322 §4.4: an obs-addr-list has empty elements, which are no addresses"
OCTETS = "RFC 3501 §6.4.5: octets are those that BODY[] sends; Dovecot counts bare LF as CRLF"
FIELDS = "RFC 2045 §3: Content-ID describes the body, whether a Content-Type does so or not"
BOUNDARY = "RFC 2231 §4: a boundary may be given in the extended form; Dovecot does not know it"

SEMICOLON = "RFC 2045 §5.1: the type is there and a parameter too, though the first semicolon is missing"
TSPECIALS = "RFC 2045 §5.1 wants tspecials quoted; mailers write it bare, and mean all of it"
UNCLOSED = "RFC 5322 §3.2.4: a quoted string that is not closed ends with the field; Dovecot drops the parameter"
TRAILING = "RFC 5322 §2.2.3: white space at the end of a field is no part of what is shown"
FOLDED_NAME = "RFC 5322 §2.2.3, §4.5.2: unfolding comes first, then obs-from allows white space before the colon"
CHARSET = "RFC 2231 §4: charset* is a charset too, so the default of RFC 2045 §5.2 is not added"

# The messages of which we say something else than Dovecot; `ours.json` has what.
DIFFERENCES = {
    "cpython-msg_14": DEFAULT_TYPE,
    "cpython-msg_25": NO_BOUNDARY,
    "cpython-msg_27": UNFOLDING,
    "cpython-msg_29": PARAMETERS,
    "cpython-msg_32": CHARSET,
    "cpython-msg_33": BOUNDARY,
    "cpython-msg_41": NO_BOUNDARY,
    "bare line feeds": OCTETS,
    "spaces in addr-spec": ADDRESS,
    "empty list elements": EMPTY,
    "folded with tab": UNFOLDING,
    "multipart without boundary": NO_BOUNDARY,
    "type without subtype": DEFAULT_TYPE,
    "type with empty subtype": DEFAULT_TYPE,
    "content-id without a type": FIELDS,
    "type without semicolon": SEMICOLON,
    "type with a comma": SEMICOLON,
    "type, semicolon later": SEMICOLON,
    "type in angle brackets": DEFAULT_TYPE,
    "bare type as parameter": TSPECIALS,
    "quote that is not closed": UNCLOSED,
    "description with spaces behind": TRAILING,
    "field name with a fold": FOLDED_NAME,
    "attached message without body": DELIMITER,
    "attached message, empty": DELIMITER,
    "attached multipart, closed": DELIMITER,
    "extended boundary": BOUNDARY,
}
Answer = dict[str, str]
OURS = HERE / "ours.json"


def load(name: str) -> list[Answer]:
    entries: list[Answer] = json.loads((HERE / f"{name}.json").read_text())
    return entries


def answer(content: bytes) -> Answer:
    parsed = parse(content)
    return {
        "envelope": quoted(parsed.envelope).decode("latin-1"),
        "body": quoted(parsed.body).decode("latin-1"),
        "bodystructure": quoted(parsed.bodystructure).decode("latin-1"),
    }


@pytest.fixture(scope="module", autouse=True)
def anew() -> None:
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        if shutil.which("dovecot"):
            write()
        contents = CASES | {message.name: message.content for message in cpython_messages()}
        OURS.write_text(json.dumps({name: answer(contents[name]) for name in DIFFERENCES}, indent=1) + "\n")


def check(name: str, content: bytes, theirs: Answer) -> None:
    expected = {key: theirs[key] for key in ("envelope", "body", "bodystructure")}
    if name in DIFFERENCES:
        ours = json.loads(OURS.read_text())[name]
        assert ours != expected, f"no difference any longer: {DIFFERENCES[name]}"
        expected = ours
    assert answer(content) == expected


@pytest.mark.parametrize("message", cpython_messages(), ids=lambda message: message.name)
def test_messages_of_cpython(message: Message) -> None:
    theirs = next((entry for entry in load("cpython") if entry["name"] == message.name), None)
    if theirs is None or theirs["sha256"] != hashlib.sha256(message.content).hexdigest():
        pytest.skip("this Python has another message of that name")
    check(message.name, message.content, theirs)


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    (theirs,) = [entry for entry in load("cases") if entry["name"] == name]
    check(name, CASES[name], theirs)


@pytest.mark.parametrize("theirs", load("generated"), ids=lambda theirs: "")
def test_generated(theirs: Answer) -> None:
    check("", theirs["message"].encode("latin-1"), theirs)
