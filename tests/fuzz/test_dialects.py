"""What clients of MailHog and GreenMail send, and messages as their APIs show them: nothing makes a reader fail."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from postroad.greenmail import OptionError, read_options
from postroad_web.greenmail.shapes import message as greenmails
from postroad_web.mailhog.chances import chances_in, chances_of, faults_of
from postroad_web.mailhog.content import Content, read
from postroad_web.mailhog.letters import encoded
from postroad_web.mailhog.window import MOST, window
from postroad_web.mailpit.gojson import BadJsonError, Struct
from tests.web.mailpit.records import RECORD

PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\r\n\r\n",
        b"--xx",
        b"--xx--",
        b"Content-Type: multipart/mixed; boundary=xx\r\n",
        b'content-type: multipart/x; boundary="--xx"\r\n',
        b"Subject: =?utf-8?q?a?=\r\n\tb\r\n",
        b"Received: x id 00056A1B2C3D4; y\r\n",
        b"X-A: 1\r\n",
        b": \r\n",
        b"\xff\xfe",
        b"text",
    ]
)
MESSAGES = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=30).map(b"".join))


def count(content: Content) -> int:
    """Return how many entities there are."""
    return 1 + sum(map(count, content.parts or ()))


@given(MESSAGES)
@example(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 1000)
def test_any_message_is_shown(octets: bytes) -> None:
    content = read(octets)
    assert content.size == len(octets)
    assert count(content) <= len(octets) + 1
    shown = json.loads(encoded(RECORD, octets))
    assert shown["Raw"]["To"] == [recipient.address for recipient in RECORD.recipients]
    assert shown["Content"]["MIME"] is None
    assert json.dumps(greenmails(1, octets))


WORDS = st.sampled_from(
    [
        "-D",
        "greenmail.",
        "users",
        "users.login",
        "auth.disabled",
        "setup.test.",
        "smtp",
        "=",
        "a:b@c",
        ",",
        " ",
        "\n",
        "@",
    ]
)


@given(st.one_of(st.text(max_size=100), st.lists(WORDS, max_size=20).map("".join)))
def test_any_options_are_read_or_refused(text: str) -> None:
    try:
        habits = read_options(text)
    except OptionError:
        return
    for user in habits.users:
        assert habits.user(user.address) is not None
        assert habits.user(user.login) is not None


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_window_is_within_bounds(start: str, limit: str) -> None:
    asked = window(start, limit)
    assert asked.start >= 0
    assert 1 <= asked.limit <= MOST


NUMBERS = st.one_of(st.floats(allow_nan=False), st.integers(), st.none(), st.text(max_size=3))
NAMES = st.sampled_from(
    ["DisconnectChance", "acceptchance", "LinkSpeedMin", "LinkSpeedMax", "RejectAuthChance", "Seed"]
)


@given(st.dictionaries(NAMES, NUMBERS))
@example({"LinkSpeedMin": 10**400})
def test_any_chances_become_faults_or_are_refused(members: dict[str, object]) -> None:
    try:
        chances, seed = chances_in(Struct(members))
    except BadJsonError:
        return
    faults = faults_of(chances, seed)
    for kind in ("mail", "rcpt", "auth"):
        assert 0 <= faults[kind]["probability"] <= 100
    link = faults["link"]
    assert all(0 <= link[name] <= 100 for name in ("refused", "lost", "slow"))
    assert 1 <= link["slowest"] <= link["fastest"] <= 1e12
    assert chances_of(faults) is not None
