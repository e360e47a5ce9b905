"""The plugin's worlds: one for each test, kept and shown when it fails; test cases of unittest have them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from postroad_kit import Postroad, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]


WORLDS = """
import pytest

SEEN = []

@pytest.fixture(autouse=True)
def _see(world):
    SEEN.append(world.id)

def test_one(world):
    bob = world.account("bob")
    with world.smtp() as client:
        client.sendmail(world.address("app"), [bob.address], "Subject: Welcome\\r\\n\\r\\nHi.\\r\\n")
    assert bob.wait().subject == "Welcome"

async def test_another(async_world, world):
    assert async_world.id == world.id != SEEN[0]
    assert await async_world.messages() == []
    await async_world.port()  # it is closed by the end of the test

def test_that_drops_it_itself(world):
    assert world.account("bob").messages() == []
    world.drop()

@pytest.mark.world(accounts=["ann"])
@pytest.mark.skipif("False")
def test_marked(world):
    assert [account.name for account in world.accounts] == ["ann"]

def test_seen(postroad):
    print("worlds", *SEEN)
"""


def test_worlds(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str) -> None:
    pytester.makepyfile(WORLDS)
    result = run("--postroad-url", url, "--strict-markers", "-s")
    result.assert_outcomes(passed=5)
    (seen,) = (line.partition("worlds ")[2].split() for line in result.outlines if "worlds w" in line)
    assert len(set(seen)) == 5
    with Postroad(url) as postroad:
        for ident in seen:
            with pytest.raises(Refused, match="404"):
                postroad.find(ident)


FAILING = """
def test_fails(world):
    bob = world.account("bob")
    with world.smtp() as client:
        client.sendmail(world.address("app"), [bob.address], "Subject: Welcome\\r\\n\\r\\nHi.\\r\\n")
    bob.wait()
    print("world", world.id)
    bob.wait(subject="Goodbye", timeout=0.1)
"""


def test_a_failing_test_shows_its_world_and_keeps_it(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str
) -> None:
    pytester.makepyfile(FAILING)
    result = run("--postroad-url", url, "--postroad-keep", "60")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*NotArrived: at least 1 should match, but within 0.1 s 0 did.*",
            "*Came close:",
            "*what arrived in the world *",
            "*delivered *bob@*Welcome*",
            "*Postroad: sessions*",
            "*C: mail FROM:<app@*",
            "*Postroad: road*",
            "*Postroad: look at it*",
            f"{url}/w/*",
        ]
    )
    ident = next(line.split()[1] for line in result.outlines if line.startswith("world w"))
    with Postroad(url) as postroad:
        kept = postroad.find(ident)
        assert kept.definition.owner.endswith("::test_fails")
        assert [mail.subject for mail in kept.messages()] == ["Welcome"]
        kept.drop()


FAILING_AT_THE_END = """
import pytest

@pytest.fixture
def audited(world):
    yield world
    with world.smtp() as client:
        client.sendmail(world.address("app"), [world.account("bob").address], "Subject: Late\\r\\n\\r\\n")
    print("world", world.id)
    pytest.fail("not all is well")

def test_ends_badly(audited):
    audited.account("ann")
"""


def test_a_test_whose_fixtures_fail_at_the_end_shows_its_world_and_keeps_it(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str
) -> None:
    pytester.makepyfile(FAILING_AT_THE_END)
    result = run("--postroad-url", url, "--postroad-keep", "60")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*Failed: not all is well", "*what arrived in the world *", "*bob@*Late*", f"{url}/w/*"]
    )
    ident = next(line.split()[1] for line in result.outlines if line.startswith("world w"))
    with Postroad(url) as postroad:
        postroad.find(ident).drop()


def test_the_last_test_too_shows_its_world_before_the_stack_ends(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(FAILING_AT_THE_END)
    result = pytester.runpytest_subprocess("-p", "no:mailpit", "--basetemp", str(tmp_path / "base"))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*what arrived in the world *", "*bob@*Late*", "after the run: cd *"])
    assert (tmp_path / "base" / "postroad" / "data" / "mail").exists()


@pytest.mark.parametrize("outcome", ["fail", "skip"])
def test_several_fixtures_fail_at_the_end(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str, outcome: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        def one(world):
            yield
            pytest.{outcome}("one")

        @pytest.fixture
        def other(world):
            yield
            print("world", world.id)
            pytest.fail("other")

        def test_it(one, other, world):
            world.account("ann")
        """
    )
    result = run("--postroad-url", url, "-rA")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*what arrived in the world *", f"{url}/w/*"])
    ident = next(line.split()[1] for line in result.outlines if line.startswith("world w"))
    with Postroad(url) as postroad:
        postroad.find(ident).drop()


def test_both_ends_fail(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str) -> None:
    """Of the test's own fixtures, and of those that it shares with others."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            yield
            raise LookupError("of all")

        @pytest.fixture
        def own(world):
            yield
            raise ValueError("of one")

        def test_it(shared, own): ...
        """
    )
    result = run("--postroad-url", url)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*LookupError: of all", "*ValueError: of one"])


def test_an_interrupted_run_leaves_no_world(pytester: pytest.Pytester, url: str, tmp_path: Path) -> None:
    pytester.makepyfile(
        f"""
        from pathlib import Path

        def test_stops(world):
            Path({str(tmp_path / "id")!r}).write_text(world.id)
            raise KeyboardInterrupt
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:mailpit", "--postroad-url", url)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    with Postroad(url) as postroad, pytest.raises(Refused, match="404"):
        postroad.find((tmp_path / "id").read_text())


def test_a_failing_test_that_has_not_used_its_world_shows_none(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str
) -> None:
    pytester.makepyfile("def test_fails(world): assert repr(world) == ''")
    result = run("--postroad-url", url)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*<World to be made>*"])
    result.stdout.no_fnmatch_line("*Postroad: *")


def test_it_says_how_to_start_a_stack_again(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile("def test_fails(world): assert not world.id")
    result = pytester.runpytest_subprocess("-p", "no:mailpit", "--basetemp", str(tmp_path / "base"))
    result.assert_outcomes(failed=1)
    folder = tmp_path / "base" / "postroad"
    result.stdout.fnmatch_lines(
        [f"after the run: cd {folder} && POSTROAD_DATA=data POSTROAD_NETWORK=127.*.* postroad run"]
    )
    assert (folder / "data" / "mail").exists()


# As pytest-rerunfailures runs a test once more.
AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=nextitem, log=False)
    item._initrequest()
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
FLAKY = """
import pytest

worlds = []

@pytest.mark.parametrize("passes", [2, 3])
def test_flaky(world, passes):
    worlds.append(world.id)
    print("this is", world.id)
    assert len(worlds) == passes
"""


def test_a_test_that_is_run_again_has_a_world_for_each_run(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str
) -> None:
    pytester.makeconftest(AGAIN)
    pytester.makepyfile(FLAKY)
    result = run("--postroad-url", url)
    result.assert_outcomes(passed=1, failed=1)
    shown = [line for line in result.outlines if "Postroad: what arrived in the world" in line]
    assert len(shown) == 1
    *_, last = [line.split()[-1] for line in result.outlines if line.startswith("this is")]
    assert last in shown[0]
    owners = [world["owner"] for world in httpx.get(f"{url}/v1/worlds").json()["worlds"]]
    # Of each test the one run that has failed has kept its world.
    assert [
        sum(owner.endswith(f"again_has_a_world_for_each_run.py::test_flaky[{n}]") for owner in owners) for n in (2, 3)
    ] == [1, 1]


ENDED = """
import os, signal
from postroad_kit.embedded.locks import alone
from postroad_kit.stack import in_use

def test_ends(world):
    shared = in_use().shared
    os.kill(shared.join()["pid"], signal.SIGTERM)
    with alone(shared.data / "lock"):  # it has gone
        pass

def test_fails(world):
    world.account("bob")
"""


def test_a_stack_that_has_ended_is_a_section_of_its_own(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(ENDED)
    result = pytester.runpytest_subprocess("-p", "no:mailpit", "-v", "--basetemp", str(tmp_path / "base"))
    result.assert_outcomes(passed=1, failed=1)
    log = tmp_path / "base" / "postroad" / "log"
    result.stdout.fnmatch_lines(
        ["*Away: Postroad at *", "*Postroad: the stack has ended*", f"The end of its log, {log}:"]
    )


UNITTEST = """
import unittest
from postroad_kit.unittest import PostroadTestCase

class T(PostroadTestCase):
    world_members = {"accounts": ["bob"]}

    def test_passes(self):
        self.assertEqual(self.world.accounts[0].name, "bob")
        self.assertIn("test_passes", self.world.definition.owner)

    def test_skips(self):
        self.skipTest("not today")

    def test_fails(self):
        self.world.account("bob").wait(timeout=0.1)

class Further(T):
    test_fails = None
"""


def test_unittest_has_the_runs_stack(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str) -> None:
    pytester.makepyfile(UNITTEST)
    result = run("--postroad-url", url)
    result.assert_outcomes(passed=2, skipped=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*NotArrived: at least 1 should match*", "*-- Postroad: what arrived*", "*Nothing has*"]
    )
