"""Pigeonhole as the counterpart: the same scripts and messages through its `sieve-test` and through ours.

The scripts are those of the tables in `tests/store/sieve`. Where the two decide otherwise, `DIFFERENCES` says why;
docs/standards.md has the same list for people.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad_store.sieve.errors import InvalidScript
from tests.harness.needs import require, require_program
from tests.interop.sieve_oracle import Pigeonhole
from tests.store.sieve import test_base as base
from tests.store.sieve import test_body as body
from tests.store.sieve import test_extensions as extensions
from tests.store.sieve import test_syntax as syntax
from tests.store.sieve import test_vacation as vacation
from tests.store.sieve.toy import MESSAGE, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

ALL = (
    "fileinto relational comparator-i;ascii-numeric envelope subaddress regex date index mailbox special-use"
    " environment body variables imap4flags copy vacation vacation-seconds editheader include ihave reject"
    " encoded-character"
)
REQUIRE = "require [" + ", ".join(f'"{name}"' for name in ALL.split()) + "];\n"

OCTETS = "pigeonhole matches octets; RFC 5228 §2.7.1 has characters"
SURROUNDINGS = "it is asked about another server, and at another time"
STRICTER = "both may: what can never work is refused here when the script is put (RFC 5228 §2.10.6)"
# By what is in the script, why the two differ.
DIFFERENCES = {
    'header :matches "subject" "Gr?e*"': OCTETS,
    'header :regex "subject" ["x", "Gr.{2}e"]': OCTETS,
    r'header :regex "x-number" "^\\d': "POSIX leaves open what this means: a digit here, the letter in glibc",
    r'string :matches "a\\" "a\\"': "pigeonhole's sieve-test ends with a failed assertion",
    'header :value "GT"': "RFC 5231 §3: the relations are literals of ABNF, in any case",
    'environment "name"': SURROUNDINGS,
    'environment "NAME"': SURROUNDINGS,
    'environment :contains "phase"': SURROUNDINGS,
    'environment "remote-host"': SURROUNDINGS,
    'environment :count "eq" "remote-host"': SURROUNDINGS,
    "currentdate ": SURROUNDINGS,
    'body :contains "Hello & bye"': "RFC 5173 §5.3: a best effort; the markup is taken out in another way",
    'body :is "<>& ': "as above: entities are characters here",
    'body :content "text/plain" :is "x"': "RFC 2045 §5.2: a Content-Type that can't be read is text/plain",
    'header "x" "a b\tc"': "RFC 5322 §2.2.3: unfolding keeps the white space; pigeonhole makes a space of a tab",
    'string "a" ["b", "A"]': "RFC 5228 §2.7.3: i;ascii-casemap is the default; pigeonhole has i;octet here",
    'if address "a b"': "RFC 5228 §2.4.2.2: a name that no field can have must not be an error",
    'set "a" "x*"; fileinto': "names with wildcards are no mailboxes here (RFC 3501 §5.1)",
    'fileinto "Junk/"': "RFC 5228 §4.1: an invalid name may be an error",
    "ereject": "Debian's pigeonhole has no ereject (RFC 5429 §2.1 asks for it where reject is)",
    "${hex:c3}": "RFC 5228 §2.1: scripts, and so their strings, are UTF-8",
    "${hex:4 1}": "only shown otherwise",
    "size :over 9223372036854775808": "RFC 5228 §2.4.1: both support more than they must",
    'addflag "' + "a" * 200 + " b": "RFC 5232 §2: keywords have at most 200 characters here, and theirs are shown cut",
    'redirect "a@-.test"': STRICTER,
    'set "a" "xxxx': "RFC 5229 §6: a constant value that is too long should be found when the script is compiled",
    '"era"': STRICTER,
    '"CET"': STRICTER,
    '"+9900"': STRICTER,
    "vacation :days 0": "RFC 5230 §4.1: the least is above 0, and set by the site: 1 day here",
    "vacation :days 9999": "RFC 5230 §4.1: the most is set by the site: 90 days here",
    "vacation :seconds 99999999": "as above",
    'body :raw :is ""': "RFC 5173 §4: behind the empty line the body is there, if empty",
    "date :index 2 :": "RFC 5260 §6: no other field than that one; pigeonhole takes the first where there is none",
    "undisclosed": "RFC 5228 §5.1: group names are never acted on",
    'address :count "eq" "from" "0"': "as above",
    'address :contains "from" ""': "a field of no octets has no address",
    'address "from" "jörg"': "RFC 5228 §2.7.2: encoded words are decoded",
    'header :value "lt" "x-two" "f_"': "RFC 4790 §9.2.1: letters are ordered in upper case; pigeonhole has lower case",
    'fileinto :copy "Junk"; fileinto': "RFC 3894 §3: without :copy it cancels the implicit keep, whatever went before",
    '"iso8601" "1950': "RFC 5322 §4.3: two digits from 50 on count from 1900; pigeonhole counts to 69 from 2000",
    '"iso8601" "2024-02-01T03:04:05+01:00"': "RFC 5322 §3.2.2: what is in a comment separates nothing",
    '"iso8601" "2024-02-01T03:04:05Z"': "RFC 5322 §4.3: three digits count from 1900; pigeonhole reads no such year",
    'vacation :mime "Subject': "RFC 5230 §5: 8-bit header fields should be refused",
    'redirect ".a@b.test"': "RFC 5228 §2.4.2.3: what does not have the syntax is an error; pigeonhole quotes it",
    'redirect "\u00fc@b.test"': "RFC 6531 §3.3: an address; it goes out with SMTPUTF8",
    'address :localpart "from" "\u00fc"': "RFC 6532 §3.2: an address",
    'header :regex "to" "${a}"': "RFC 5228 §2.10.6: an error; pigeonhole notes it, and nothing matches",
    'addheader "X" "a${hex:00}b"': "RFC 5293 §4: an error or an encoding",
    'specialuse_exists "frop"': "RFC 8579 §3: false, for no mailbox has it; an error is for fileinto (§4)",
    'if header "x-none" "" { include "none"': "RFC 6609 §3.1: an error at execution time; pigeonhole looks before",
    'address :localpart "from" "valid"': "RFC 5228 §2.7.4: the other address is not valid, and this one is",
    'string :matches "a" "*?*"': "RFC 5228 §2.7.1: one character, and nothing around it",
    "# a\rb": "RFC 5228 §8.1: a comment has octet-not-crlf; pigeonhole refuses a CR alone in strings only",
    'deleteheader ["x"]': "RFC 5293 §5: a string",
    'addflag "v" "x" "y"': "RFC 5232 §3: two arguments",
    'envelope "auth"': "pigeonhole's own; RFC 5228 §5.4: unknown parts should be an error",
}
# Where pigeonhole's own test-suite expects something else, or did so until Postroad was mended.
SUITE = (
    *(f'redirect "{address}";' for address in (".a@b.test", "\u00fc@b.test", "a @ b.test", "x: y <a@b.test>", "a (b")),
    *(f'vacation :from "{mailboxes}" "x";' for mailboxes in ("x: y <a@b.test>", "A B <a@b.test>")),
    'set "a" "["; if header :regex "to" "${a}" { discard; }',
    'addheader "X" "a${hex:00}b"; if exists "x" { discard; }',
    'if not specialuse_exists "frop" { discard; }',
    'if envelope "auth" "" { discard; }',
    f'addheader "X" "a"; if size :over {len(MESSAGE)} {{ discard; }}',
    f'deleteheader "subject"; if size :under {len(MESSAGE)} {{ discard; }}',
    'include "none"; discard;',
    'deleteheader ["x"]; discard;',
    'addflag "v" "x" "y"; discard;',
    'if header "x-none" "" { include "none"; } discard;',
)


def cases() -> Iterator[tuple[str, bytes]]:
    """Yield scripts and messages."""
    tests = [*base.TRUE, *base.FALSE]
    for table in (base.ENVELOPES, base.NUMERIC, extensions.SUBADDRESSES, extensions.REGEX, extensions.INDEXES):
        tests += [test for test, _ in table]
    for table in (extensions.MAILBOXES, extensions.ENVIRONMENT):
        tests += [test for test, _ in table]
    tests += [f"{name} {tags} {arguments}" for name, tags, arguments, _ in extensions.DATES]
    yield from ((_if(test), MESSAGE) for test in tests)
    yield from ((_if(test), body.NESTED) for test, _ in body.TESTS)
    yield from ((_if(test), message) for message, test, _ in (*body.PLAIN, *body.HEADERS))
    for date, read in extensions.DATES_AS_THEY_COME:
        yield _if(f'date :originalzone "date" "iso8601" "{read}"'), f"Date: {date}\r\n\r\n".encode()
    yield from ((_if(test), f"From: {value}\r\n\r\n".encode()) for value, test, _ in base.ADDRESSES)
    yield from ((REQUIRE + script, MESSAGE) for script, _ in (*extensions.VARIABLES, *extensions.FLAGS))
    yield from ((REQUIRE + script, MESSAGE) for script, _ in vacation.TAGS)
    yield from ((script, MESSAGE) for script, _ in (*base.ACTIONS, *base.ERRORS, *syntax.FAULTS))
    yield from ((script, MESSAGE) for script in syntax.GOOD)
    for text, _ in extensions.ENCODED:
        yield f'require ["encoded-character", "reject"]; reject "{text}";', MESSAGE
    yield from ((f'require "ihave"; {script}', MESSAGE) for script, _ in extensions.IHAVE)
    yield from ((f'require "variables"; {script}', MESSAGE) for script, _ in extensions.BAD_VARIABLES)
    yield from ((f'require "date"; if {test} {{ }}', MESSAGE) for test, _ in extensions.BAD_DATES)
    yield from ((f'require "vacation-seconds"; {script}', MESSAGE) for script, _ in vacation.FAULTS)
    yield from ((REQUIRE + script, MESSAGE) for script in SUITE)
    yield _if('address :localpart "from" "valid"'), b"From: a@b..test, valid@b.test\r\n\r\n"
    yield _if('string :matches "a" "*?*"'), MESSAGE
    yield _if('address :localpart "from" "\u00fc"'), "From: \u00fc@b.test\r\n\r\n".encode()


def _if(test: str) -> str:
    return f'{REQUIRE}if {test} {{ fileinto "yes"; }}'


def ours(script: str, message: bytes) -> list[str]:
    """Return what ours decides, in the words of the oracle."""
    try:
        said = decide(script, message)
    except InvalidScript:
        return ["error"]
    if said[:1] and said[0].startswith("error"):
        return ["error"]
    return [" ".join(_plain(action.split(" "))) for action in said if not action.startswith("remember")]


def _plain(words: list[str]) -> list[str]:
    words = [word for word in words if word not in {"edited", "create"}]
    return words[:2] if words[0] == "respond" else words


def _spelt(actions: list[str]) -> list[list[str]]:
    """Return actions in a form without the order and the case of flags."""
    return [sorted(action.lower().split()) for action in actions]


@pytest.fixture
def pigeonhole() -> Iterator[Pigeonhole]:
    program = require_program("sieve-test")
    require(os.geteuid() == 0, "sieve-test reads a mail store as the user mail, which root alone may become")
    user = pwd.getpwnam("mail")
    folder = Path(tempfile.mkdtemp(prefix="postroad-sieve-"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    yield Pigeonhole(program, folder, user.pw_uid, user.pw_gid)
    shutil.rmtree(folder)


def test_scripts_decide_as_pigeonholes_do(pigeonhole: Pigeonhole) -> None:
    unexplained = {}
    explained = set()
    count = 0
    for script, message in cases():
        count += 1
        theirs = pigeonhole.decide(script, message, recipient="bob+inbox@beta.test", sender="alice@alpha.test")
        own = ours(script, message)
        if _spelt(theirs) == _spelt(own):
            continue
        short = script.removeprefix(REQUIRE)
        reasons = [part for part in DIFFERENCES if part in short]
        explained.update(reasons)
        if not reasons:
            unexplained[short] = (theirs, own)
    assert unexplained == {}
    assert explained == set(DIFFERENCES)
    assert count > 400
