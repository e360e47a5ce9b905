"""Logs: one line an event, whatever is in it."""

from __future__ import annotations

import io
import logging
import re
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from postroad import log

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("word", "word"),
        (25, "25"),
        ("<alice@alpha.test>", "<alice@alpha.test>"),
        ("Jürgen@bücher.test", "Jürgen@bücher.test"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("line\r\nlevel=info", '"line\\r\\nlevel=info"'),
        ("a\u202eb\U000e0041", '"a\\u202eb\\udb40\\udc41"'),  # bidirectional and tag controls
        ("\x85\u2028\x1b[1m\ud800", '"\\u0085\\u2028\\u001b[1m\\ud800"'),
    ],
)
def test_values(value: object, shown: str) -> None:
    assert log.quote(value) == shown


def test_lines() -> None:
    stream = io.StringIO()
    log.setup("relay", "info", stream)
    logger = logging.getLogger("postroad_relay.queue.manager")
    logger.debug("not shown")
    logger.info("deferred %s", "once", extra={"queue_id": "4f1a", "reply": "451 4.3.0 No"})
    try:
        raise ValueError("odd\nthing")
    except ValueError:
        logger.exception("failed")
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info service=relay logger=postroad_relay.queue.manager "
        r'msg="deferred once" queue_id=4f1a reply="451 4.3.0 No"',
        first,
    )
    assert "level=error" in second
    assert "\\nValueError: odd\\nthing" in second


def test_ready_is_shown_at_every_level(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.setup("dns", "error")
    logging.getLogger("x").warning("not shown")
    log.ready(port=1053)
    assert stream.getvalue().endswith("level=info service=dns logger=postroad.ready msg=ready port=1053\n")


def test_libraries_that_log_commands_are_quiet_and_warnings_are_logged() -> None:
    stream = io.StringIO()
    log.setup("relay", "debug", stream)
    logging.getLogger("mail.log").warning("AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", stacklevel=1)
    (line,) = stream.getvalue().splitlines()
    assert "logger=py.warnings" in line
