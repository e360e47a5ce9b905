"""The fixtures, the options, and what a failing test's report says.

pytest loads this module in every run, whether tests use it or not, so it imports the kit only where a fixture needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from postroad_kit import AsyncPostroad, AsyncWorld, Postroad, World
    from postroad_kit.dropping import Dropper

ASKING: list[pytest.FixtureRequest] = []  # of the fixture that is about to be set up
WORLDS = pytest.StashKey[list["World"]]()
DROPPER = pytest.StashKey["Dropper"]()
TOLD = pytest.StashKey[list[tuple[str, str]] | None]()  # of a test whose fixtures have failed at their end
FAILED = pytest.StashKey[bool]()  # of a test, and of a run
FOLDER = "postroad"  # in the run's temporary folder
ENDS = (
    Exception,
    pytest.fail.Exception,
    pytest.skip.Exception,
    BaseExceptionGroup,
)  # what the end of a fixture may raise


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which stack the tests use."""
    group = parser.getgroup("postroad", "Postroad, the mail system for tests")
    group.addoption(
        "--postroad-url",
        metavar="URL",
        help="use the Postroad that runs there (default: POSTROAD_URL; without either, one is started and stopped)",
    )
    group.addoption(
        "--postroad-containers",
        metavar="CHECKOUT",
        nargs="?",
        const=".",
        help="start Postroad's containers, of this folder with its docker-compose.yml, and not processes",
    )
    group.addoption(
        "--postroad-keep",
        metavar="SECONDS",
        type=float,
        default=900.0,
        help="how long the world of a failed test stays (default: 900)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line(
        "markers", "world(accounts=…, domains=…, quota=…, imap_without=…): how the test's world is made"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> None:
    """Note for whom a fixture is set up.

    One that has `request` among its arguments costs each test 50 µs, as pytest reads a signature for it, and what it
    needs does so again, be it set up long since.
    """
    ASKING[:] = [request]


@pytest.fixture(scope="session")
def postroad() -> Iterator[Postroad]:
    """Yield a running Postroad, shared by all tests of the run and all workers of xdist."""
    from postroad_kit.stack import find_or_start, set_current

    (request,) = ASKING
    config = request.config
    # A worker's temporary folder is in that of the run.
    base = request.getfixturevalue("tmp_path_factory").getbasetemp()
    folder = (base.parent if hasattr(config, "workerinput") else base) / FOLDER
    checkout = config.getoption("--postroad-containers")
    stack = find_or_start(
        url=config.getoption("--postroad-url"), folder=folder, checkout=None if checkout is None else Path(checkout)
    )
    set_current(stack)
    yield stack.postroad
    set_current(None)
    stack.close(keep=config.stash.get(FAILED, False))


@pytest.fixture(scope="session")
def _worlds(postroad: Postroad) -> Iterator[tuple[Postroad, Dropper]]:
    """Yield what makes worlds, and what drops them while further tests run."""
    from postroad_kit.dropping import Dropper

    with Dropper(postroad.client.ask) as dropper:
        yield postroad, dropper


@pytest.fixture
def world(_worlds: tuple[Postroad, Dropper]) -> Iterator[World]:
    """Yield a world of the test's own, made at its first use; that of a failed test stays for a while."""
    postroad, dropper = _worlds
    node = ASKING[0].node
    marks = reversed(list(node.iter_markers("world")))  # the closest mark is the last, and wins
    members = {"owner": node.nodeid, **{name: value for mark in marks for name, value in mark.kwargs.items()}}
    own = postroad.world(**members, when_used=True)
    node.stash[WORLDS], node.stash[DROPPER] = [own], dropper
    node.stash[FAILED], node.stash[TOLD] = False, None  # a test may be run again
    yield own
    dropper.end(own)  # fixtures of the test may have failed at their end, which the hook below hears of


@pytest.fixture(scope="session")
def postroad_async(postroad: Postroad) -> AsyncPostroad:
    """Return the same Postroad for asyncio."""
    from postroad_kit import AsyncPostroad

    return AsyncPostroad(postroad.client.place.given, postroad.endpoints)


@pytest.fixture
def async_world(world: World, postroad_async: AsyncPostroad) -> Iterator[AsyncWorld]:
    """Yield the test's own world for asyncio."""
    own = postroad_async.over(world.definition, world.endpoints)
    yield own
    world.own_port = world.own_port or own.own_port


@pytest.fixture
def django_mail(world: World) -> Iterator[World]:
    """Yield the test's own world, through which Django sends its mail."""
    from postroad_kit.django import mail_through

    with mail_through(world) as sending:
        yield sending


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """End the test's own fixtures before those of the session, with which the stack may end.

    So what is in its world can still be told, and the world stays, if one of them fails.
    """
    dropper = item.stash.get(DROPPER, None)
    if dropper is None:
        return (yield)
    error: BaseException | None = None
    try:
        item.session._setupstate.teardown_exact(item.parent)  # type: ignore[arg-type]  # noqa: SLF001 - no hook does so
    except ENDS as raised:
        error = raised
        item.stash[FAILED] = item.config.stash[FAILED] = True
        item.stash[TOLD] = _told(item)
    for world in dropper.decide():
        if item.stash.get(FAILED, False):
            world.keep(item.config.getoption("--postroad-keep"))
        else:
            dropper.drop(world)
    try:
        yield
    finally:
        if error is not None:
            raise error


def _told(item: pytest.Item) -> list[tuple[str, str]]:
    """Return what is in the worlds of a test that has failed, with titles."""
    if not (worlds := item.stash.get(WORLDS, [])):
        return []
    from postroad_kit.report import sections, stack_sections

    shown = [*stack_sections(), *(each for made_world in worlds if made_world.is_made for each in sections(made_world))]
    return [(title, text) for title, text in shown if text]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failing test's report what is in its world."""
    report = yield
    if report.failed:
        item.stash[FAILED] = item.config.stash[FAILED] = True
        told = item.stash.get(TOLD, None)
        report.sections += _told(item) if told is None else told
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(obj: object) -> None:
    """Let test cases of the kit use the run's stack: they know of no fixtures."""
    if isinstance(obj, type) and getattr(obj, "postroad_world", False):
        pytest.mark.usefixtures("postroad")(obj)
