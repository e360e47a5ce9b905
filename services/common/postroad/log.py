"""Logs: one line per event on standard error, in key=value form, from the standard library's logging.

    time=2026-11-23T19:14:00.123Z level=info service=relay logger=postroad_relay.queue msg=deferred queue_id=4f1a

Fields passed as `extra={"queue_id": ...}` are added to the line. A value that is not a plain word becomes a JSON
string without unprintable characters: no peer can begin a line of its own or send escapes to a terminal. Passwords and
message content are never logged: callers pass names, sizes and replies only, and the libraries that would log more are
kept quiet here.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TextIO

from postroad.harmless import harmless

READY = "ready"  # logged by a service once it listens; `postroad run` waits for it

_QUIET = ("mail.log", "mail.debug", "asyncio")  # aiosmtpd logs whole commands, AUTH's among them, below ERROR
_PLAIN = re.compile(r"[\w.:/@+<>\[\]%*!?,;(){}|~^$&#-]+\Z")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def quote(value: object) -> str:
    """Return the value as it appears in a log line: a plain word, or a JSON string."""
    text = str(value)
    if text.isprintable() and _PLAIN.match(text):
        return text
    return harmless(json.dumps(text, ensure_ascii=False))


class LineFormatter(logging.Formatter):
    """Formats an event as one line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line end."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, object] = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "msg": record.getMessage(),
        }
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return " ".join(f"{key}={quote(value)}" for key, value in fields.items())


def setup(service: str, level: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process, from `level` ("info") up, to the stream; standard error by default."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def ready(**details: object) -> None:
    """Log that the service listens, with its ports. It is shown at every level because `postroad run` waits for it."""
    logger = logging.getLogger("postroad.ready")
    logger.setLevel(logging.INFO)
    logger.info(READY, extra=details)
