"""Ask Debian's Dovecot for the ENVELOPE, BODY and BODYSTRUCTURE of many messages, and write them down.

`make golden` runs `write`: cpython.json has the messages of CPython's own test.test_email, by name and digest,
cases.json those of `cases.py`, one for each thing worth knowing, and generated.json random but well-formed trees.
The Dovecot runs in a folder of its own on the loopback interface, and is ended afterwards. Strings are Latin-1.
"""

from __future__ import annotations

import contextlib
import hashlib
import imaplib
import json
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.golden.structure.cases import CASES
from tests.mail.corpus import cpython_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PORT = 42143
USER = "mail"  # a system user that owns nothing here
CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = sdbox:{folder}/mail/%u
mail_uid = {user}
mail_gid = {user}
first_valid_uid = 1
first_valid_gid = 0
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={folder}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@contextlib.contextmanager
def dovecot() -> Iterator[imaplib.IMAP4]:
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    for name in ("run", "state", "mail", "home"):
        (folder / name).mkdir()
    for name in ("mail", "home"):
        shutil.chown(folder / name, USER)
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, user=USER, port=PORT))
    process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(config)])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)):
                break
            time.sleep(0.05)
        client = imaplib.IMAP4("127.0.0.1", PORT)
        client.login("golden", "any")
        yield client
        client.logout()
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def quoted(text: bytes) -> bytes:
    """Write every literal as a quoted string: the same value in one spelling."""
    out, position = b"", 0
    while match := re.compile(rb"\{(\d+)\}\r\n").search(text, position):
        end = match.end() + int(match[1])
        value = text[match.end() : end].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        out += text[position : match.start()] + b'"' + value + b'"'
        position = end
    return out + text[position:]


def ask(messages: list[bytes]) -> list[dict[str, str]]:
    answers = []
    with dovecot() as client:
        for content in messages:
            status, answer = client.append("INBOX", None, None, content)
            assert status == "OK", answer
        client.select("INBOX")
        for number in range(1, len(messages) + 1):
            _, response = client.fetch(str(number), "(ENVELOPE BODY BODYSTRUCTURE)")
            flat = b"".join(x if isinstance(x, bytes) else b"\r\n".join(x or ()) for x in response)
            match = re.fullmatch(rb"\d+ \(ENVELOPE (.*) BODY (\(.*\)) BODYSTRUCTURE (\(.*\))\)", flat, re.DOTALL)
            assert match, flat
            envelope, body, bodystructure = (quoted(part).decode("latin-1") for part in match.groups())
            answers.append({"envelope": envelope, "body": body, "bodystructure": bodystructure})
    return answers


class Generator:
    """Random messages: well-formed, if odd."""

    WORDS = tuple(b"alpha beta gamma delta lorem ipsum Zurich re: fwd x1 y-2 _q".split())

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def text(self) -> bytes:
        return b" ".join(self.random.choices(self.WORDS, k=self.random.randint(1, 6)))

    def addr_spec(self) -> bytes:
        local = self.random.choice([b"alice", b"bob.b", b"c+d", b"o'hara", b'"quo ted"', b"x_y"])
        return local + b"@" + self.random.choice([b"a.test", b"b.example.org", b"[127.0.0.1]", b"sub.c.test"])

    def address(self) -> bytes:
        spec = self.addr_spec()
        return self.random.choice(
            [
                spec,
                b"<%b>" % spec,
                b"Alice Liddell <%b>" % spec,
                b'"Liddell, Alice" <%b>' % spec,
                b"=?utf-8?q?J=C3=B6rg?= <%b>" % spec,
                b"%b (Bob)" % spec,
                b"J. R. Tolkien <%b>" % spec,
                b'"a \\"b\\" c" <%b>' % spec,
                b"grp: %b, X <%b>;" % (spec, self.addr_spec()),
                b"  Name   Two   <%b>" % spec,
            ]
        )

    def header(self) -> list[bytes]:
        lines = [
            b"%b: %b" % (name, b",\r\n\t".join(self.address() for _ in range(self.random.randint(1, 4))))
            for name in (b"From", b"To", b"Cc", b"Bcc", b"Sender", b"Reply-To")
            if self.chance(0.6)
        ]
        if self.chance(0.8):
            lines.append(b"Subject: " + self.text() + (b"\r\n " + self.text() if self.chance(0.3) else b""))
        if self.chance(0.8):
            lines.append(b"Date: Mon, %d Nov 2026 10:00:00 +0100" % self.random.randint(1, 30))
        if self.chance(0.8):
            lines.append(b"Message-ID: <%d@a.test>" % self.random.randint(1, 10**9))
        if self.chance(0.3):
            lines.append(b"In-Reply-To: <%d@a.test>" % self.random.randint(1, 10**9))
        self.random.shuffle(lines)
        return lines

    def mime(self) -> list[bytes]:
        choose = self.random.choice
        return [
            line
            for probability, line in (
                (
                    0.4,
                    b"Content-Disposition: "
                    + choose([b"inline", b'attachment; filename="a b.txt"', b"attachment; filename=x.y; size=12"]),
                ),
                (0.2, b"Content-ID: <%d@x>" % self.random.randint(1, 99)),
                (0.2, b"Content-Description: " + self.text()),
                (0.2, b"Content-Language: " + choose([b"en", b"en, fr-CH"])),
                (0.1, b"Content-Location: http://x.test/a"),
                (0.1, b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ=="),
            )
            if self.chance(probability)
        ]

    def entity(self, depth: int = 0, *, message: bool = True) -> bytes:
        lines = (self.header() if message else []) + self.mime()
        choose, kind = self.random.choice, self.random.random()
        if depth < 2 and kind < 0.5:
            boundary = b"b%d" % self.random.randint(1, 9999)
            subtype = choose([b"mixed", b"alternative", b"digest", b'related; type="text/html"', b"report; x=y"])
            written = choose([boundary, b'"%b"' % boundary])
            lines.append(b"Content-Type: multipart/%b; boundary=%b" % (subtype, written))
            out = b"preamble\r\n" if self.chance(0.3) else b""
            for _ in range(self.random.randint(1, 4)):
                inner = self.entity(depth + 1, message=subtype == b"digest" and self.chance(0.5))
                out += b"--%b%b\r\n%b\r\n" % (boundary, choose([b"", b"", b"  "]), inner)
            out += b"--%b--\r\nepilogue" % boundary
            return b"\r\n".join(lines) + b"\r\n\r\n" + out
        if depth < 3 and kind < 0.65:
            inner = self.entity(depth + 1)
            return b"\r\n".join([*lines, b"Content-Type: message/rfc822", b"", inner])
        types = [
            b"text/plain",
            b"text/plain; charset=utf-8",
            b'text/html; charset="iso-8859-1"; x=y',
            b'image/png; name="p.png"',
            b"text/plain; format=flowed",
            b"application/octet-stream",
            b"message/delivery-status",
            b"text/plain;\r\n\tcharset=us-ascii",
        ]
        lines.append(b"Content-Type: " + choose(types))
        if self.chance(0.5):
            lines.append(b"Content-Transfer-Encoding: " + choose([b"base64", b"7bit", b"quoted-printable", b"8bit"]))
        body = [self.text() for _ in range(self.random.randint(0, 4))]
        return b"\r\n".join([*lines, b"", *body, *choose([[b""], [b"", b""], [b"x"]])])


def write() -> None:
    """Write the three files anew."""
    cpython = {message.name: message.content for message in cpython_messages()}
    generator = Generator(2026)
    generated = [generator.entity() for _ in range(40)]
    contents = [*cpython.values(), *CASES.values(), *generated]
    answers = iter(ask(contents))
    files = {
        "cpython": [
            {"name": name, "sha256": hashlib.sha256(content).hexdigest(), **next(answers)}
            for name, content in cpython.items()
        ],
        "cases": [{"name": name, **next(answers)} for name in CASES],
        "generated": [{"message": content.decode("latin-1"), **next(answers)} for content in generated],
    }
    for name, entries in files.items():
        (HERE / f"{name}.json").write_text(json.dumps(entries, indent=1) + "\n")
