"""Logs: one line an event on standard error, in key=value form, from the standard library's logging.

    time=2026-11-23T19:14:00.123Z level=info service=relay logger=postroad_relay.queue msg=deferred queue_id=4f1a

What is passed as `extra={"queue_id": ...}` is added to the line. A value that is no plain word is a JSON string,
so that nothing a peer says can begin a line of its own. Passwords and message content are never logged: who logs
passes names, sizes and replies only, and the libraries that would log more are kept quiet here.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TextIO

READY = "ready"  # what a service says once it listens; `run` waits for it

_QUIET = ("mail.log", "mail.debug", "asyncio")  # aiosmtpd logs whole commands, AUTH's among them, below ERROR
_PLAIN = re.compile(r"[\w.:/@+<>\[\]%*!?,;(){}|~^$&#-]+\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def quote(value: object) -> str:
    """Return the value as a line of the log has it: a plain word, or a JSON string."""
    text = str(value)
    if text.isprintable() and _PLAIN.match(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


class LineFormatter(logging.Formatter):
    """Makes the one line of an event."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
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
    """Send all logs of this process, from `level` ("info") up, to the stream, by default standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def ready(**details: object) -> None:
    """Say that the service listens, with its ports; shown whatever the level, as `run` waits for it."""
    logger = logging.getLogger("postroad.ready")
    logger.setLevel(logging.INFO)
    logger.info(READY, extra=details)
