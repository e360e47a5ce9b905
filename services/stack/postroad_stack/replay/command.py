"""The program `postroad replay`."""

from __future__ import annotations

import argparse
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.harmless import harmless
from postroad_stack.replay.connection import Connection
from postroad_stack.replay.dialogue import Dialogue, DialogueError, read
from postroad_stack.replay.difference import by_code, differs, exactly, rendered
from postroad_stack.replay.player import Player
from postroad_stack.replay.secrets import MissingError, Secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLE = """\
The file is one that /v1/sessions/{id}/dialogue gives, or one of tests/dialogues. Lines with - are on record only, lines
with + only the server has said; ! marks what was not sent, because the server did not wait for it.

The exit status is 0 if the server has answered as on record, 1 if not, 2 if the dialogue could not be played."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a dialogue; returns 0, 1 if the answers differ, 2 if it could not be played."""
    options = _parser().parse_args(arguments)
    try:
        with sys.stdin if options.file == "-" else Path(options.file).open(encoding="utf-8") as lines:
            dialogue = read(lines, options.protocol)
        return _play(dialogue, options)
    except (DialogueError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{options.file} can't be replayed: {harmless(str(error))}\n")
    except MissingError as error:
        sys.stderr.write(f"Which {error}? Give --secret {error}=VALUE, or --user and --password.\n")
    except OSError as error:
        sys.stderr.write(f"{error}\n")
    return 2


def _play(dialogue: Dialogue, options: argparse.Namespace) -> int:
    secrets = Secrets(
        dict(options.secret), options.user, options.password, [path.read_bytes() for path in options.content]
    )
    missing = secrets.missing(dialogue.names)
    if missing:
        raise MissingError(", ".join(missing))
    tls = ssl.create_default_context(cafile=options.ca)
    if options.insecure:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    secure = dialogue.secure if options.tls is None else options.tls

    def connect() -> Connection:
        connection = Connection(options.server, dialogue.protocol, patience=options.timeout)
        if secure:
            try:
                connection.start_tls(tls)
            except ssl.SSLCertVerificationError as error:
                raise OSError(f"{error.verify_message}: give --ca FILE, or --insecure") from error
            except ssl.SSLError as error:
                host, port = options.server
                told = f"{host}:{port} speaks no TLS from the first octet, as it is on record"
                raise OSError(f"{told} ({error.reason}): name its port for TLS, or give --no-tls") from error
        return connection

    seen = by_code(dialogue.protocol) if options.codes else exactly
    several = len(dialogue.connections) > 1
    differences = 0
    for exchange in Player(connect, secrets, tls).play(dialogue):
        differ = differs(exchange, seen)
        differences += differ
        if differ or not options.quiet:
            for line in rendered(exchange, seen, several=several):
                sys.stdout.write(f"{harmless(line)}\n")
            sys.stdout.flush()
    sys.stderr.write(f"{differences} of the answers differ\n" if differences else "The server answers as on record\n")
    return 1 if differences else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="postroad replay",
        description="Play a dialogue against any server of SMTP, POP3, IMAP or ManageSieve, and show the differences.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the dialogue; - is standard input")
    parser.add_argument("server", metavar="HOST:PORT", type=_server)
    parser.add_argument("--protocol", choices=("smtp", "lmtp", "imap", "pop3", "managesieve"), help="if it is not told")
    parser.add_argument("--user", help="the login, of which PLAIN, LOGIN, CRAM-MD5 and APOP are made")
    parser.add_argument("--password")
    parser.add_argument(
        "--secret",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_pair,
        help="what is said in place of {?NAME}; several times",
    )
    parser.add_argument(
        "--content",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="content that the dialogue names by its hash; several times. Without it, some other of its size",
    )
    parser.add_argument("--tls", action=argparse.BooleanOptionalAction, help="TLS from the first octet, or not")
    parser.add_argument("--ca", metavar="FILE", help="the CA that the server's certificate is checked by")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    parser.add_argument("--codes", action="store_true", help="compare codes and kinds of responses, not their texts")
    parser.add_argument("--quiet", action="store_true", help="show only what differs")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=10.0, help="for an answer (10)")
    return parser


def _server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError("must be host:port")
    return host.strip("[]"), int(port)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must be name=value")
    return name, value
