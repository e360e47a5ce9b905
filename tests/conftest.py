"""What all tests share: one Postroad of processes and one of containers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.harness import reactor
from tests.harness.containers import ComposeStack
from tests.harness.needs import require_docker
from tests.harness.processes import ProcessStack
from tests.harness.stack import DEFAULT_WORLD, Stack, fresh_domain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A busy machine makes no test wrong.
settings.register_profile("postroad", deadline=None)
settings.load_profile("postroad")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Keep POSTROAD_TEST_ALL, which is no setting, and settings of this machine's user away from what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("POSTROAD_") and name != "POSTROAD_GOLDEN"]:
            patch.delenv(name)
        yield


CONTAINERS_TIMEOUT = 900  # seconds, for the test that comes first: images are built, another run may hold the lock


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests in containers the time that building the images takes; keep those on Twisted's reactor together."""
    items[:] = reactor.first(items)
    for item in items:
        if item.get_closest_marker("compose") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(CONTAINERS_TIMEOUT))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Return a function that notes a measured figure, which is printed with its test's name at the end of the run."""

    def note(name: str, value: object) -> None:
        request.node.user_properties.append((name, value))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    lines = [
        f"{report.nodeid}: {', '.join(f'{name} {value}' for name, value in report.user_properties)}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call" and report.user_properties
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One Postroad of processes, shared by every test that uses accounts of its own."""
    with ProcessStack(tmp_path_factory.mktemp("stack"), world=DEFAULT_WORLD + fresh_domain()) as stack:
        yield stack
        stack.check_logs()


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """One Postroad of containers; tests that stop and kill its services leave it running and empty-handed."""
    require_docker()
    settings = {"POSTROAD_RETRY": "100ms 200ms 500ms 1s"}
    with ComposeStack(
        tmp_path_factory.mktemp("compose"), world=DEFAULT_WORLD + fresh_domain(), settings=settings
    ) as stack:
        yield stack
        stack.check_logs()


@pytest.fixture(
    params=[
        "native",
        pytest.param("composed", marks=[pytest.mark.compose, pytest.mark.xdist_group("compose")]),
    ]
)
def stack(request: pytest.FixtureRequest) -> Stack:
    """Postroad as processes, then as containers: a test that takes this runs against both."""
    requested = request.getfixturevalue(request.param)
    assert isinstance(requested, Stack)
    return requested
