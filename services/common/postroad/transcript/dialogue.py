r"""A transcript as a dialogue, the form that tests/dialogues has and `postroad replay` plays. Pure.

# smtp, session 6565e1f0a3b2c4, 127.0.0.1:40312 to 127.0.0.25:1025, 2026-03-01T12:00:00.000Z
S: 220 mx.test ESMTP Postroad
C: AUTH PLAIN {?plain}                a secret has a name: replay asks for its value
S: 250 OK
C: {?content 1234 9f86d081884c7d65}   content, with its size and how its SHA-256 begins
c: abc                                no CRLF behind it (`s:` of the server)
T:                                    the TLS handshake; `@ secure` is TLS from the first octet
X:                                    the server has closed the connection
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.transcript.line import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SHOWN = 16  # hexadecimal digits of a hash


def dialogue_of(session: Mapping[str, Any], content: Callable[[Mapping[str, Any]], bytes | None] | None = None) -> str:
    """Return a session, as `view.whole` shows it, as a dialogue.

    `content` may return the octets that the client has sent where a line stands for them.
    """
    lines: Sequence[Mapping[str, Any]] = session["lines"]
    head = "# {protocol}, session {id}, {peer} to {local}, {began}"
    if session["outbound"]:
        head = "# {protocol}, session {id}, {local} to {peer}, {began}"
    text = [head.format_map(session)]
    if session.get("omitted"):
        text.append(f"# about {session['omitted']} octets of it are not on record")
    secure = bool(lines) and lines[0]["tls"]
    text += ["@ secure"] if secure else []
    for line in lines:
        if line["tls"] and not secure:
            secure = True
            text.append("T:")
        octets = content(line) if content is not None and line["from"] == "client" and "reference" in line else None
        text += _of_content(line, octets) if octets is not None else [_written(line)]
    if session["ended"] is not None and lines and lines[-1]["from"] == "server":
        text.append("X:")
    return "\n".join(text) + "\n"


def shown(line: Mapping[str, Any]) -> str:
    """Return what a line says, or what stands for its content."""
    text: str = line["text"]
    reference = line.get("reference")
    if reference is None:
        return text
    return f"{text}{{?content {reference['size']} {(reference['sha256'] or '?')[:SHOWN]}}}"


def _written(line: Mapping[str, Any]) -> str:
    kind = "C" if line["from"] == "client" else "S"
    if not line.get("whole", True):
        kind = kind.lower()
    text = shown(line)
    return f"{kind}: {text}" if text else f"{kind}:"


def _of_content(line: Mapping[str, Any], octets: bytes) -> Iterator[str]:
    """Yield the lines of content; in SMTP a dot is put in front of a dot."""
    dotted = line.get("whole", True)
    *lines, last = octets.split(b"\r\n")
    for octets_of_line in lines:
        stuffed = b"." if dotted and octets_of_line.startswith(b".") else b""
        text = text_of(stuffed + octets_of_line)
        yield f"C: {text}" if text else "C:"
    if last:
        yield f"c: {text_of(last)}"
