"""Hands a message to a server by SMTP, and says by the codes of sysexits.h how that went."""

from __future__ import annotations

import smtplib
import socket
from enum import IntEnum
from typing import TYPE_CHECKING

from postroad.tls import client_context
from postroad_stack.sendmail.letter import addresses_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from postroad_stack.sendmail.options import Options

TIMEOUT = 60.0  # seconds; RFC 5321 §4.5.3.2 is for servers on the Internet


class Exit(IntEnum):
    """The exit statuses of mail programs, from sysexits.h."""

    OK = 0
    USAGE = 64
    NO_USER = 67
    UNAVAILABLE = 69
    TEMPORARY = 75
    CONFIG = 78


class Refused(Exception):  # noqa: N818 - it is how sending ended
    """The server did not take the message; `status` is what sendmail ends with."""

    def __init__(self, status: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def send(server: tuple[str, int], options: Options, sender: str, recipients: Sequence[str], content: bytes) -> None:
    """Hand on a message; raises `Refused`. Recipients that are refused don't keep it from the others."""
    try:
        with smtplib.SMTP(*server, timeout=TIMEOUT) as client:
            client.ehlo_or_helo_if_needed()
            if client.has_extn("starttls"):
                # As servers do among themselves: the certificate is private, and the alternative is no TLS at all.
                client.starttls(context=client_context())
                client.ehlo_or_helo_if_needed()
            _transaction(client, options, sender, recipients, content)
    except smtplib.SMTPServerDisconnected as error:
        raise Refused(Exit.TEMPORARY, f"the server hung up: {error}") from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, _text(error.smtp_error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Refused(Exit.TEMPORARY, f"no server at {server[0]}:{server[1]}: {error}") from error


def _transaction(
    client: smtplib.SMTP, options: Options, sender: str, recipients: Sequence[str], content: bytes
) -> None:
    parameters = []
    if client.has_extn("8bitmime") and not content.isascii():
        parameters.append("BODY=8BITMIME")
    if not all(address.isascii() for address in (sender, *recipients)):
        if not client.has_extn("smtputf8"):
            raise Refused(Exit.UNAVAILABLE, "an address is not in ASCII, which the server does not take")
        client.command_encoding = "utf-8"
        parameters.append("SMTPUTF8")
    dsn = client.has_extn("dsn")
    if dsn and options.ret:
        parameters.append(f"RET={options.ret.upper()}")
    if dsn and options.envelope_id:
        parameters.append(f"ENVID={_xtext(options.envelope_id)}")
    _must(client.mail(sender, parameters))
    notify = (f"NOTIFY={options.notify.upper()}",) if dsn and options.notify else ()
    replies = {recipient: client.rcpt(recipient, notify) for recipient in recipients}
    refused = {recipient: (code, _text(text)) for recipient, (code, text) in replies.items() if code // 100 != 2}
    if len(refused) < len(replies):
        _must(client.data(content))
    if refused:
        _refuse(refused)


def _must(reply: tuple[int, bytes]) -> None:
    code, text = reply
    if code // 100 != 2:
        raise _refusal(code, _text(text))


def _refuse(refused: Mapping[str, tuple[int, str]]) -> None:
    """Raise `Refused` for recipients; what will never be taken weighs more than what may be later."""
    sentence = "; ".join(f"{recipient}: {code} {text}" for recipient, (code, text) in refused.items())
    worst = max(code for code, _ in refused.values())
    raise Refused(Exit.NO_USER if worst in {550, 551, 553} else _status(worst), sentence)


def _refusal(code: int, text: str) -> Refused:
    return Refused(_status(code), f"{code} {text}".rstrip())


def _status(code: int) -> Exit:
    return Exit.UNAVAILABLE if code >= 500 else Exit.TEMPORARY


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


def _xtext(text: str) -> str:
    # RFC 3461 §4: xtext
    return "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}" for octet in text.encode()
    )


def speak(server: tuple[str, int], commands: BinaryIO, replies: BinaryIO) -> None:
    """Pass SMTP on between standard input and output and the server, until one hangs up; raises `Refused`.

    Each command waits for the reply to the one before, so that a whole dialogue may come from a file.
    """
    try:
        with socket.create_connection(server, TIMEOUT) as connection, connection.makefile("rb") as answers:
            connection.settimeout(None)
            _pass_reply(answers, replies)
            in_data = False
            for line in commands:  # programs may end their lines as Unix does
                command = line.removesuffix(b"\n").removesuffix(b"\r")
                connection.sendall(command + b"\r\n")
                if in_data and command != b".":
                    continue
                code = _pass_reply(answers, replies)
                in_data = code == b"354"
                if code in {b"221", b"421", b""}:
                    break
    except OSError as error:
        raise Refused(Exit.TEMPORARY, f"no server at {server[0]}:{server[1]}: {error}") from error


def _pass_reply(answers: BinaryIO, replies: BinaryIO) -> bytes:
    """Pass one reply on; returns its code, empty if the server has hung up."""
    line = b"   -"
    while line[3:4] == b"-" and (line := answers.readline()):
        replies.write(line)
    replies.flush()
    return line[:3]


def sender_of(options: Options, fallback: str) -> str:
    """Return the reverse-path: "" is the null one."""
    if options.sender is None:
        return fallback
    if options.sender in {"", "<>"}:
        return ""
    return next(iter(addresses_of([options.sender])), options.sender)
