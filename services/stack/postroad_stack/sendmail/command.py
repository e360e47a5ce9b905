"""The program `postroad sendmail`, and any link to `postroad` that is named sendmail."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from typing import TYPE_CHECKING

from postroad.config import ConfigError, Settings
from postroad_stack.sendmail.delivery import Exit, Refused, send, sender_of, speak
from postroad_stack.sendmail.letter import Letter, addresses_of, read
from postroad_stack.sendmail.options import Mode, OptionError, Options, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = """\
usage: postroad sendmail [-t] [-i] [-f SENDER] [-F NAME] [--smtp-addr HOST:PORT] [RECIPIENT ...]
       postroad sendmail -bs

Hand the message on standard input to Postroad's app door, as sendmail does. A link to `postroad` that is named sendmail
does the same, for programs that want /usr/sbin/sendmail.

  -t          take the recipients from the To, Cc and Bcc fields, as is done without any recipient, too
  -i, -oi     a line of a single dot does not end the message
  -f, -r      the envelope's sender
  -F          the full name for the From field, if the message has none
  -N, -R, -V  which DSNs are wanted, and their envelope ID
  -bs         speak SMTP on standard input and output
  -bp         list the queue
  --smtp-addr, -S  another server (default: POSTROAD_APP_PORT on this machine)

Sendmail's other options are taken and ignored. The exit status is sysexits.h's: 67 unknown recipient, 69 refused,
75 try later, 64 wrong usage.
"""


def main(arguments: Sequence[str]) -> int:
    """Hand on a message; returns a status of sysexits.h."""
    try:
        options = parse(arguments)
        if options.help:
            sys.stdout.write(USAGE)
            return Exit.OK
        return _run(options)
    except (OptionError, ConfigError) as error:
        sys.stderr.write(f"sendmail: {error}\n")
        return Exit.USAGE if isinstance(error, OptionError) else Exit.CONFIG
    except Refused as error:
        sys.stderr.write(f"sendmail: {error}\n")
        return error.status


def _run(options: Options) -> int:
    if options.mode is Mode.ALIASES:
        return Exit.OK  # they are in the world file, which is read at each edit
    if options.mode is Mode.QUEUE:
        from postroad_stack.queue import main as queue  # noqa: PLC0415 - not for each message

        return queue([])
    server = _server(options)
    if options.mode is Mode.SMTP:
        speak(server, sys.stdin.buffer, sys.stdout.buffer)
        return Exit.OK
    letter = Letter(read(sys.stdin.buffer, dots=options.dots))
    recipients = addresses_of(options.recipients)
    if options.from_header or not options.recipients:
        recipients += letter.recipients()
    if not recipients:
        raise OptionError("no recipients: name them, or use -t with a message that has a To field")
    user = f"{getpass.getuser()}@{socket.gethostname()}"
    sender = sender_of(options, user)
    send(server, options, sender, list(dict.fromkeys(recipients)), letter.content(sender or user, options.full_name))
    return Exit.OK


def _server(options: Options) -> tuple[str, int]:
    """Return host and port of the server."""
    if options.address:
        host, _, port = options.address.rpartition(":")
        if not host or not port.isdecimal():
            raise OptionError(f"{options.address} is not HOST:PORT")
        return host.strip("[]"), int(port)
    settings = Settings.from_environ(os.environ)
    return settings.front.replace("0.0.0.0", "127.0.0.1"), settings.app_port
