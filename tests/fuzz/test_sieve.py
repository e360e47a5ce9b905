"""Sieve and ManageSieve with what Hypothesis makes up: nothing raises what it should not, and all ends in time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad_store.managesieve.engine import Engine, Mode
from postroad_store.managesieve.framing import Fault, Framer
from postroad_store.protocol.contract import Close, StartTls
from postroad_store.sieve import limits
from postroad_store.sieve.actions import File
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import Fault as ScriptFault
from postroad_store.sieve.errors import InvalidScript
from postroad_store.sieve.lexer import Kind, read, tokens
from postroad_store.sieve.matching import MATCHES
from postroad_store.sieve.message import Message
from postroad_store.sieve.registry import EXTENSIONS
from postroad_store.sieve.run import Run, run
from tests.harness.sasl import channel, nobodys
from tests.store.sieve.toy import MESSAGE, Around, registry

WORDS = [word.name for extension in EXTENSIONS for word in extension.words]
WORDS += ["if", "elsif", "else", "stop", "keep", "discard", "redirect", "address", "allof", "anyof", "exists", "header"]
WORDS += ["not", "size", "true", "false", "require"]
TAGS = [":contains", ":is", ":matches", ":regex", ":value", ":count", ":all", ":domain", ":user", ":over", ":under"]
TAGS += [":comparator", ":flags", ":copy", ":create", ":index", ":last", ":zone", ":raw", ":content", ":text", ":days"]
TAGS += [":subject", ":mime", ":handle", ":seconds", ":lower", ":length", ":once", ":optional", ":header", ":foo"]
STRINGS = ['"a"', '"subject"', '"from"', '"gt"', '"i;octet"', '"i;ascii-numeric"', '"x@y.test"', '"*?*"', '"${1}${a}"']
STRINGS += ['["a", "b"]', '"\\\\seen"', '"${hex:40}"', '"year"', '"Junk"', "text:\r\n..x\r\n.\r\n", "1", "10K", '"[a-"']
PIECES = st.sampled_from([*WORDS, *TAGS, *STRINGS, "(", ")", "{", "}", ",", ";", "[", "]", "\n", "/* x */", "# y\n"])
SOUP = st.lists(PIECES, max_size=40).map(" ".join)
REQUIRE = "require [" + ", ".join(f'"{extension.capability}"' for extension in EXTENSIONS) + "];\n"


def _call(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(st.sampled_from([*TAGS, *STRINGS]), max_size=4).map(" ".join)
    return st.builds(lambda word, given_: f"{word} {given_}", words, arguments)


NAMES = st.sampled_from(WORDS)
TESTS = st.recursive(
    _call(NAMES),
    lambda inner: st.one_of(
        st.builds("not {}".format, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda tests: f"anyof ({', '.join(tests)})"),
    ),
    max_leaves=4,
)
COMMANDS = st.recursive(
    _call(NAMES).map("{};".format),
    lambda inner: st.builds(
        lambda test, block: f"if {test} {{ {' '.join(block)} }}", TESTS, st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)
SCRIPTS = st.lists(COMMANDS, max_size=6).map(lambda commands: REQUIRE + "\n".join(commands))


def faults_of(octets: bytes) -> list[ScriptFault]:
    """Return the faults of a script, none if it is valid."""
    try:
        compile_script(octets, registry())
    except InvalidScript as error:
        return error.faults
    return []


@given(st.binary(max_size=300))
def test_any_octets_are_a_script_or_faults(octets: bytes) -> None:
    faults = faults_of(octets)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in faults)


@given(SOUP)
def test_any_words_are_a_script_or_faults(soup: str) -> None:
    lines = (REQUIRE + soup).count("\n") + 1
    assert all(1 <= fault.line <= lines for fault in faults_of((REQUIRE + soup).encode()))


@settings(max_examples=400)
@given(SCRIPTS, st.sampled_from([MESSAGE, b"", b"\r\n", b"x", b"From: a\r\n\r\n\xff\x00"]))
def test_what_compiles_runs_to_an_end(script: str, message: bytes) -> None:
    try:
        program = compile_script(script.encode(), registry())
    except InvalidScript:
        return
    outcome = run(program, Message(message), Around())
    assert len(outcome.actions) <= limits.ACTIONS
    if outcome.error is not None:
        assert outcome.actions == (File(),)


@given(st.text(max_size=200))
def test_a_string_comes_through(text: str) -> None:
    """What is quoted as RFC 5228 §8.1 has it is the same again."""
    clean = text.replace("\0", "").replace("\r", "").replace("\n", "\r\n")
    if any("\ud800" <= character <= "\udfff" for character in clean):
        return
    escaped = clean.replace("\\", "\\\\").replace('"', '\\"')
    (token, end) = tokens(read(f'"{escaped}"'.encode()))
    assert (token.kind, token.value, end.kind) == (Kind.STRING, clean, Kind.END)
    stuffed = "".join(f".{line}\r\n" if line.startswith(".") else f"{line}\r\n" for line in clean.split("\r\n"))
    (token, end) = tokens(read(f"text:\r\n{stuffed}.\r\n".encode()))
    assert (token.value, end.kind) == (f"{clean}\r\n", Kind.END)


def _slow(value: str, pattern: str) -> bool:
    """Match as RFC 5228 §2.7.1 says, by trying everything."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_slow(value[at:], pattern[1:]) for at in range(len(value) + 1))
    if pattern[0] == "\\" and len(pattern) > 1:
        return value[:1] == pattern[1] and _slow(value[1:], pattern[2:])
    return bool(value) and pattern[0] in {"?", value[0]} and _slow(value[1:], pattern[1:])


@given(st.text("ab*", max_size=12), st.text("ab*?\\", max_size=8))
def test_wildcards_match_what_they_should(value: str, pattern: str) -> None:
    state = Run(Message(b""), Around())
    assert MATCHES.find is not None
    comparator = registry().comparators["i;octet"]
    match = MATCHES.find(state, comparator, value, pattern)
    assert (match is not None) is _slow(value, pattern)
    if match is not None:
        assert match[0] == value
        rest, shown = iter(match[1:]), ""
        position = 0
        while position < len(pattern):
            if pattern[position] in "*?":
                shown += next(rest)
            else:
                position += pattern[position] == "\\" and position + 1 < len(pattern)
                shown += pattern[position]
            position += 1
        assert shown == value


HARD = [
    'if header :matches "x" "' + "*a?" * 100 + '" { }',
    'if header :regex "x" "' + "(a*)*" * 20 + 'b" { }',
    'if header :contains "x" [' + ", ".join(f'"{"a" * 500}b"' for _ in range(100)) + "] { }",
    'if body :matches "' + "*a?b" * 50 + '" { }',
    'set "a" "${a}x${a}x${a}"; ' * 500,
    "if anyof (" + ", ".join('body :content "text" :contains "zzz"' for _ in range(500)) + ") { }",
]


@pytest.mark.parametrize("script", HARD)
def test_no_script_takes_long(script: str) -> None:
    """The slowest scripts that we know, on a message made for them: a second is many times what they may take."""
    program = compile_script((REQUIRE + script).encode(), registry())
    message = b"X: " + b"a" * 50_000 + b"\r\n\r\n" + b"a" * 1_000_000
    began = time.process_time()
    outcome = run(program, Message(message), Around())
    assert time.process_time() - began < 1.0
    assert outcome.actions == (File(),)


LINES = st.sampled_from(
    [
        b"NOOP",
        b' "a"',
        b" {3+}",
        b" {0+}",
        b"\r\n",
        b"abc",
        b'"',
        b"\\",
        b"AUTHENTICATE",
        b' "PLAIN"',
        b"LOGOUT",
        b"STARTTLS",
        b"CAPABILITY",
        b"PUTSCRIPT",
        b" 12",
        b"{99999+}",
        b"{5}",
        b"GET /",
        b"\n",
        b"\x00",
        b" {20000+}\r\n",
    ]
)


@given(st.one_of(st.lists(LINES, max_size=30).map(b"".join), st.binary(max_size=200)), st.integers(1, 20))
def test_managesieve_cuts_the_same_wherever_octets_are_cut(octets: bytes, size: int) -> None:
    def commands(pieces: list[bytes]) -> list[object]:
        framer = Framer(10_000)
        cut: list[object] = []
        for piece in pieces:
            framer.receive(piece)
            while (command := framer.next_command()) is not None:
                cut.append(command)
                if isinstance(command, Fault) and command.fatal:
                    return cut
        return cut

    whole = commands([octets])
    assert whole == commands([octets[at : at + size] for at in range(0, len(octets), size)])


@given(st.lists(st.one_of(st.lists(LINES, max_size=20).map(b"".join), st.binary(max_size=60)), max_size=6))
def test_managesieve_answers_whatever_comes(blocks: list[bytes]) -> None:
    engine = Engine(nobodys("sieve"), "fileinto")
    engine.greet(lambda: channel(secure=False), secure=False)
    for block in blocks:
        engine.receive_data(block)
        while (event := engine.next_event()) is not None:
            if isinstance(event, Close):
                break
            if isinstance(event, StartTls):
                engine.tls_started()
            elif engine._mode is Mode.WAITING:
                engine.login_failed()
        said = engine.data_to_send()
        assert said == b"" or said.endswith(b"\r\n")
