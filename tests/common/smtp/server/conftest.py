"""Receivers are run live on asyncio's own loop and on uvloop, with TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvloop

from tests.harness.tls import certificate, client_tls, server_tls

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["certificate", "client_tls", "server_tls"]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
