"""A service's `main` and `run` in this process: what they change here is put back, and SIGTERM ends them."""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from postroad import log
from postroad.config import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    import pytest


@contextmanager
def left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep pytest's own log handlers; put the switch interval and the garbage collector back."""
    monkeypatch.setattr(log, "setup", lambda service, level: None)
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.set_threshold(*threshold)


async def served_until_sigterm(
    run: Callable[[Settings], Awaitable[int]], environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Run a service, end it when it is ready, and return where it then said that it listens."""
    told: list[dict[str, str]] = []

    def ready(**where: str) -> None:
        told.append(where)
        signal.raise_signal(signal.SIGTERM)  # never before it is handled: it would end the tests

    monkeypatch.setattr(log, "ready", ready)
    assert await run(Settings.from_environ(environ)) == 0
    (where,) = told
    return where


def refusal(main: Callable[[], int], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a `main` says that does not start."""
    assert main() == 1
    return capsys.readouterr().err
