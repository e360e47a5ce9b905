"""The marks of tests that need Twisted's reactor: a process has one, and it stays on the loop that it began on.

They share pytest-asyncio's loop of the session. That one is closed, and made anew, where a test that chooses its own
loop (tests/relay, tests/common/smtpd) comes in between: so these run one after another, in one worker of xdist's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ON_REACTOR = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("reactor")]


def first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with those that need the reactor in front."""
    return sorted(items, key=lambda item: not any(mark == ON_REACTOR[1].mark for mark in item.iter_markers()))


def on_reactor(test: Callable[..., object]) -> Callable[..., object]:
    """Mark one test."""
    for mark in ON_REACTOR:
        test = mark(test)
    return test
