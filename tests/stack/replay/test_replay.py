"""`postroad replay` against servers that answer as a test says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import socket
import ssl
import threading
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from postroad_stack.replay import command
from postroad_stack.replay.dialogue import DialogueError, read
from postroad_stack.replay.difference import by_code, exactly, rendered
from postroad_stack.replay.player import Exchange
from postroad_stack.replay.secrets import MissingError, Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELLO = """
S: 220 mx.test ESMTP
C: EHLO client.test
S: 250 mx.test
"""
MAIL = """
C: MAIL FROM:<a@alpha.test>
S: 250 2.1.0 Sender OK
C: RCPT TO:<b@beta.test>
S: 250 2.1.5 Recipient OK
C: DATA
S: 354 Go ahead
C: Subject: x
C:
C: ..dot
C: .
S: 250 2.0.0 queued as Q1
C: QUIT
S: 221 2.0.0 bye
X:
"""


class Server:
    """Serves one connection after the other by a dialogue: what the client has to say, and what it is answered."""

    def __init__(self, *scripts: str, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._scripts = scripts
        self._context = context
        self.got: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        open_: list[socket.socket] = []
        for script in self._scripts:
            connection, _ = self._listener.accept()
            open_.append(connection)
            with suppress(ConnectionError):  # a client that goes away with a handshake half done
                self._play(connection, script)
        for connection in open_:
            connection.close()

    def _play(self, connection: socket.socket, script: str) -> None:
        buffer = b""
        deflate, inflate = None, None
        for line in script.strip().splitlines():
            if line.startswith("T:"):
                assert self._context is not None
                try:
                    connection = self._context.wrap_socket(connection, server_side=True)
                except ssl.SSLError:  # the client does not take the certificate
                    return
            elif line.startswith("Z:"):
                deflate, inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
            elif line.startswith("X:"):
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
                return
            elif line.startswith("S:"):
                octets = line[3:].encode() + b"\r\n"
                if deflate is not None:
                    octets = deflate.compress(octets) + deflate.flush(zlib.Z_SYNC_FLUSH)
                connection.sendall(octets)
            elif line.startswith("C:"):
                while b"\r\n" not in buffer:
                    block = connection.recv(4096)
                    if not block:
                        return
                    buffer += block if inflate is None else inflate.decompress(block)
                got, _, buffer = buffer.partition(b"\r\n")
                self.got.append(got)

    def close(self) -> None:
        self._listener.close()
        self._thread.join(10)


@contextmanager
def serving(*scripts: str, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(*scripts, context=context)
    try:
        yield server
    finally:
        server.close()


def replay(
    capsys: pytest.CaptureFixture[str], folder: Path, dialogue: str, server: str, *options: str
) -> tuple[int, list[str], str]:
    file = folder / "dialogue.txt"
    file.write_text(dialogue)
    status = command.main([str(file), server, "--timeout", "5", *options])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err


def test_a_server_that_answers_as_on_record(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving(HELLO + MAIL) as server:
        status, out, err = replay(capsys, tmp_path, HELLO + MAIL, server.address)
        assert (status, err) == (0, "The server answers as on record\n")
        assert out[:3] == ["  S: 220 mx.test ESMTP", "  C: EHLO client.test", "  S: 250 mx.test"]
        assert out[-1] == "  S: (closed)"
        assert server.got[-3:] == [b"..dot", b".", b"QUIT"]


def test_other_words_and_other_codes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = (HELLO + MAIL).replace("2.1.0 Sender OK", "Fine").replace("250 mx.test", "250-mx.test\nS: 250 SIZE")
    with serving(other, other, (HELLO + MAIL).replace("250 2.1.5", "251 2.1.5")) as server:
        status, out, err = replay(capsys, tmp_path, HELLO + MAIL, server.address, "--quiet")
        assert (status, err) == (1, "2 of the answers differ\n")
        assert out == [
            "  C: EHLO client.test",
            "- S: 250 mx.test",
            "+ S: 250-mx.test",
            "+ S: 250 SIZE",
            "  C: MAIL FROM:<a@alpha.test>",
            "- S: 250 2.1.0 Sender OK",
            "+ S: 250 Fine",
        ]
        assert replay(capsys, tmp_path, HELLO + MAIL, server.address, "--codes", "--quiet")[:2] == (0, [])
        status, out, _ = replay(capsys, tmp_path, HELLO + MAIL, server.address, "--codes", "--quiet")
        assert (status, out[1:]) == (1, ["- S: 250 2.1.5 Recipient OK", "+ S: 251 2.1.5 Recipient OK"])


def test_content_is_not_sent_to_a_server_that_does_not_wait_for_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    refusing = HELLO + MAIL[: MAIL.index("S: 354")] + "S: 554 no\nC: QUIT\nS: 221 2.0.0 bye\nX:"
    with serving(refusing) as server:
        status, out, _ = replay(capsys, tmp_path, HELLO + MAIL, server.address)
        assert status == 1
        assert "! C: Subject: x" in out
        assert server.got[-2:] == [b"DATA", b"QUIT"]
        assert "- S: 250 2.0.0 queued as Q1" in out


def test_tls(capsys: pytest.CaptureFixture[str], tmp_path: Path, server_tls: ssl.SSLContext, certificate: Path) -> None:
    context, ca = server_tls, certificate
    starting = "S: 220 mx.test\nC: STARTTLS\nS: 220 Go\nT:\nC: NOOP\nS: 250 OK\nX:\n"
    secure = "T:\nS: 220 mx.test\nC: QUIT\nS: 221 bye\nX:\n"
    spoken = secure.removeprefix("T:\n")
    with serving(starting, secure, secure, secure, context=context) as server:
        name = server.address.replace("127.0.0.1", "localhost")
        assert replay(capsys, tmp_path, starting, name, "--ca", str(ca))[0] == 0
        assert replay(capsys, tmp_path, f"@ secure\n{spoken}", name, "--ca", str(ca))[0] == 0
        assert replay(capsys, tmp_path, spoken, server.address, "--tls", "--insecure")[0] == 0
        status, _, err = replay(capsys, tmp_path, f"@ secure\n{spoken}", server.address)
        assert status == 2
        assert "give --ca FILE, or --insecure" in err
    with serving("S: 220 mx.test\nC: STARTTLS\nS: 454 not now\nC: NOOP\nS: 250 OK\nX:") as server:
        status, out, _ = replay(capsys, tmp_path, starting, server.address)
        assert status == 1
        assert out[2:5] == ["- S: 220 Go", "- S: (TLS)", "+ S: 454 not now"]


def test_a_port_without_tls_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving("S: 220 mx.test\nC: its handshake\nX:") as server:
        address = server.address
        status, _, err = replay(capsys, tmp_path, "@ secure\nS: 220 mx.test\nC: QUIT\n", address)
    assert status == 2
    assert err.startswith(f"{address} speaks no TLS from the first octet, as it is on record")
    assert err.endswith("name its port for TLS, or give --no-tls\n")


def test_a_server_that_is_slow_or_stays_or_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    waiting = "S: 220 mx.test\nC: NOOP\nC: NOOP\nX:"
    with serving(waiting) as server:
        dialogue = "S: 220 mx.test\nC: NOOP\nS: 250 OK\nX:\n"
        status, out, _ = replay(capsys, tmp_path, dialogue, server.address, "--timeout", "0.2")
        assert status == 1
        assert out[-3:] == ["- S: 250 OK", "- S: (closed)", "+ S: (open)"]
        address = server.address
    status, _, err = replay(capsys, tmp_path, dialogue, address)
    assert status == 2
    assert "refused" in err


def test_secrets_and_literals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dialogue = """# imap, session 1, 127.0.0.1:1 to 127.0.0.1:2, now
S: * OK ready
C: a LOGIN {3}
S: + go
c: {?user}
C:  {?password}
S: a OK in
C: b APPEND INBOX {20}
S: + go
c: {?content 20 0123456789abcdef}
C:
S: b OK appended
C: c FETCH 1 BODY[]
S: * 1 FETCH (BODY[] {5}
s: {?content 5 0123456789abcdef}
S: )
S: c OK done
"""
    script = """
S: * OK ready
C: a LOGIN {5}
S: + go
C: alice "p w"
S: a OK in
C: b
S: + go
C: Subject: replayed
C:
C:
C: c FETCH
S: b OK appended
S: * 1 FETCH (BODY[] {5}
S: 12345)
S: c OK done
"""
    with serving(script) as server:
        login = ("--user", "alice", "--password", "p w")
        status, out, _ = replay(capsys, tmp_path, dialogue, server.address, *login, "--timeout", "1")
    assert server.got[0] == b"a LOGIN {5}"
    assert server.got[1] == b"alice p w"
    assert server.got[2] == b"b APPEND INBOX {20}"
    assert "p w" not in "".join(out)
    assert status == 1
    assert "- S: {?content 5 0123456789abcdef}" in out


def test_a_server_that_compresses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dialogue = "S: * OK\nC: a COMPRESS DEFLATE\nS: a OK go\n{}C: b NOOP\nS: b OK done\nX:\n"
    with serving(dialogue.format("Z:\n")) as server:
        status, out, _ = replay(capsys, tmp_path, dialogue.format(""), server.address)
    assert (status, out[-2:]) == (0, ["  S: b OK done", "  S: (closed)"])
    assert server.got[-1] == b"b NOOP"


def test_a_server_that_closes_early(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving("S: 421 4.3.2 not now\nX:") as server:
        status, out, _ = replay(capsys, tmp_path, HELLO + MAIL, server.address, "--quiet")
    assert status == 1
    assert out[:2] == ["- S: 220 mx.test ESMTP", "+ S: 421 4.3.2 not now"]


def test_values_that_are_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dialogue = "S: 220 x\nC: AUTH PLAIN {?plain}\nS: 235 OK\nC: AUTH X {?xoauth2}\n"
    status, _, err = replay(capsys, tmp_path, dialogue, "127.0.0.1:1", "--user", "a", "--password", "b")
    assert (status, err) == (2, "Which xoauth2? Give --secret xoauth2=VALUE, or --user and --password.\n")


def test_files_that_are_no_dialogues(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text, why in (
        ("", "nothing"),
        ("hello\n", "line 1"),
        ("C: x\n", "protocol"),
        ("@ login\nS: +OK\n", "tests/dialogues"),
    ):
        status, _, err = replay(capsys, tmp_path, text, "127.0.0.1:1")
        assert status == 2
        assert why in err
    (tmp_path / "latin").write_bytes(b"S: \xff\n")
    assert command.main([str(tmp_path / "latin"), "127.0.0.1:1"]) == 2
    assert command.main([str(tmp_path / "none"), "127.0.0.1:1"]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("S: what\n"))
    assert command.main(["-", "127.0.0.1:1"]) == 2
    for wrong in (["x", "nowhere"], ["x", "h:1", "--secret", "x"]):
        with pytest.raises(SystemExit):
            command.main(wrong)


def test_several_connections(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dialogue = "S: 220 x\nS2: 220 y\nC2: NOOP\nS2: 250 two\nC: NOOP\nS: 250 one\n"
    with serving("S: 220 x", "S: 220 y\nC: NOOP\nS: 250 two") as server:
        status, out, _ = replay(capsys, tmp_path, dialogue, server.address, "--timeout", "1")
    assert status == 1  # the first connection is not served any more
    assert out[:4] == ["  S1: 220 x", "  S2: 220 y", "  C2: NOOP", "  S2: 250 two"]


def test_protocols_are_known_by_the_head_or_the_greeting() -> None:
    for greeting, protocol in (("* OK", "imap"), ("+OK", "pop3"), ("220", "smtp"), ('"SIEVE"', "managesieve")):
        assert read([f"S: {greeting}"]).protocol == protocol
    assert read(["# lmtp, session x", "S: 220 x"]).protocol == "lmtp"
    assert read(["C: x"], "pop3").protocol == "pop3"
    with pytest.raises(DialogueError):
        read(["S: what"])


def test_computed_secrets() -> None:
    secrets = Secrets(user="bob", password="pw")
    assert secrets.missing(["plain", "login.2", "apop", "content", "token"]) == ["token"]
    assert secrets.spoken("{?user} {?password.2} x", []) == b"bob pw x"
    assert base64.b64decode(secrets.spoken("{?plain}", [])) == b"\0bob\0pw"
    assert base64.b64decode(secrets.spoken("{?login}", [])) == b"bob"
    assert base64.b64decode(secrets.spoken("{?login.2}", [])) == b"pw"
    challenge = base64.b64encode(b"<1@x>")
    expected = b"bob " + hmac.new(b"pw", b"<1@x>", "md5").hexdigest().encode()
    assert base64.b64decode(secrets.spoken("{?cram-md5}", [b"334 " + challenge])) == expected
    assert base64.b64decode(secrets.spoken("{?cram-md5}", [])).startswith(b"bob ")
    digest = hashlib.md5(b"<1@x>pw", usedforsecurity=False).hexdigest().encode()
    assert secrets.spoken("{?apop}", [b"+OK <1@x>"]) == digest
    assert len(secrets.spoken("{?apop}", [])) == 32
    with pytest.raises(MissingError):
        secrets.spoken("{?token}", [])
    assert Secrets({"token": r"a{\x00}"}).spoken("{?token}", []) == b"a\0"
    assert Secrets({"password": 'a"b'}).spoken("a LOGIN x {?password}", [], atoms=True) == b'a LOGIN x "a\\"b"'


def test_contents() -> None:
    mine = b"Subject: mine\r\n\r\n"
    digest = hashlib.sha256(mine).hexdigest()[:16]
    assert Secrets(contents=[b"other", mine]).spoken(f"{{?content 17 {digest}}}", []) == mine
    assert Secrets(contents=[b"other"]).spoken("{?content 17 0123}", []) == b"other"
    for size in (0, 1, 20, 23, 100):
        content = Secrets().spoken(f"{{?content {size} 0123}}", [])
        assert len(content) == size
        assert not content or content.endswith(b"\n")


def test_what_is_compared_by_code() -> None:
    imap, smtp = by_code("imap"), by_code("smtp")
    assert [imap(text) for text in ("a OK x", "* 3 EXISTS", "* 3 FETCH (X)", "+ go", "* OK x", ")", "(closed)")] == [
        "A OK", None, "FETCH", "+", None, None, "(closed)",
    ]  # fmt: skip
    assert [smtp(text) for text in ("250-x", "250 x", "354")] == [None, "250", "354"]
    assert by_code("pop3")("-ERR no") == "-ERR"
    assert by_code("managesieve")('NO "x"') == "NO"
    assert exactly("x") == "x"
    for line, other in (
        ("+OK ready <1a.2b@mx.test>", "+OK ready <3c.4d@mx.test>"),
        ("334 PDEyMzQ1QGEudGVzdD4=", "334 PGFiY2RAYS50ZXN0Pg=="),
        ("+ PDEyMzQ1QGEudGVzdD4=", "+ PGFiY2RAYS50ZXN0Pg=="),
        ("250 2.0.0 OK: queued as 66133BB8BD67D", "250 2.0.0 OK: queued as 66133C5860F98"),
    ):
        assert exactly(line) == exactly(other) != line
    for line, other in (("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"), ("250 to <a@x.test> OK", "250 to <b@x.test> OK")):
        assert exactly(line) == line != exactly(other)
    exchange = Exchange(1, ["NOOP"], ["250-a", "250 b"], ["250-c", "250 d"])
    assert list(rendered(exchange, smtp)) == ["  C: NOOP", "  S: 250-c", "  S: 250 d"]


@pytest.mark.parametrize(
    ("protocol", "text", "seen"),
    [
        *((protocol, text, text[:3]) for protocol in ("smtp", "lmtp") for text in ("250 OK", "354", "999 x")),
        *((protocol, text, None) for protocol in ("smtp", "lmtp") for text in ("250-x", "2500 x", "25", "x 250")),
        *(("imap", f"a {word.lower()} x", f"A {word}") for word in ("OK", "NO", "BAD", "BYE", "PREAUTH")),
        *(("imap", f"* {word.lower()} x", word) for word in ("BYE", "PREAUTH", "SEARCH", "VANISHED", "LIST", "STATUS")),
        *(("imap", f"* 12 {word} x", word) for word in ("FETCH", "EXPUNGE")),
        *(("imap", text, None) for text in ("* 12 EXISTS", "* 12 RECENT", "* OK x", "* FLAGS ()", "a OKAY", ")")),
        *(("imap", text, "+") for text in ("+", "+ go")),
        *(("pop3", text, seen) for text, seen in (("+ok", "+OK"), ("-Err no", "-ERR"), ("+ x", "+ "), ("+", None))),
        *(("managesieve", text, text[:3].strip().upper()) for text in ("OK", "no x", "bye", 'OK (TAG "x")')),
        *(("managesieve", text, None) for text in ("OKAY", '"SIEVE"', "nothing")),
        *((protocol, "(closed)", "(closed)") for protocol in ("smtp", "lmtp", "imap", "pop3", "managesieve")),
    ],
)
def test_what_is_compared(protocol: str, text: str, seen: str | None) -> None:
    assert by_code(protocol)(text) == seen


def test_lines_that_are_not_compared_are_aligned_by_their_text() -> None:
    recorded, heard = ["one", "two", "+OK a"], ["+OK b", "three", "four"]
    exchange = Exchange(1, ["LIST"], recorded, heard)
    assert list(rendered(exchange, by_code("pop3"))) == ["  C: LIST", "  S: +OK b", "  S: three", "  S: four"]


def test_a_dialogue_is_what_is_asked_for_or_else_what_its_first_head_says() -> None:
    text = ["# not a head, session x", "# imap, session 1", "# pop3, session 2", "S: 220 x"]
    assert read(text, "lmtp").protocol == "lmtp"
    assert read(text).protocol == "imap"
    assert read(text[2:]).protocol == "pop3"
    assert read(text[3:]).protocol == "smtp"
    for protocol in ("smtp", "lmtp", "imap", "pop3", "managesieve"):
        assert read([f"# {protocol}, session 1", "S: nothing"]).protocol == protocol


def test_a_dialogue_is_secure_if_one_of_its_settings_says_so() -> None:
    assert not read(["S: 220 x"]).secure
    assert not read(["@ x", "S: 220 x"]).secure
    assert read(["@ x secure", "S: 220 x"]).secure
    assert read(["@ secure", "@ x", "S: 220 x"]).secure


@pytest.mark.parametrize(
    ("greeting", "protocol"),
    [
        ("* OK ready", "imap"),
        ("+OK ready", "pop3"),
        ("220 mx.test", "smtp"),
        ("554 no", "smtp"),
        ('"IMPLEMENTATION" "x"', "managesieve"),
    ],
)
def test_a_greeting_tells_the_protocol(greeting: str, protocol: str) -> None:
    assert read(["C: early", f"S: {greeting}", "S: * OK"]).protocol == protocol


@pytest.mark.parametrize("lines", [["C: NOOP"], ["S: 250 x"], ["S: -ERR", "S: 220 x"], ["S: OK"]])
def test_a_greeting_that_tells_nothing(lines: list[str]) -> None:
    with pytest.raises(DialogueError, match=r"^its protocol is not known: give --protocol$"):
        read(lines)


@pytest.mark.parametrize("setting", ["@ login", "@ port=app", "@ secure port=app", "@  port=app login"])
def test_what_only_our_own_tests_have(setting: str) -> None:
    with pytest.raises(DialogueError, match=f"^line 2: '{setting}' asks for what only tests/dialogues has$"):
        read(["# smtp", setting, "C: NOOP"])
