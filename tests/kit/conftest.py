"""What the tests of the kit share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.stack import Port, Stack
from tests.kit.http.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Return a server that answers as it is told."""
    scripted = Scripted()
    yield scripted
    scripted.close()


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest on the tests that were made, in this process, with the plugin as users have it."""

    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")

    def run_(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "no:mailpit", "-p", "no:cacheprovider", *arguments)

    return run_


@pytest.fixture
def url(native: Stack) -> str:
    host, port = native.endpoint(Port.WEB)
    return f"http://{host}:{port}"
