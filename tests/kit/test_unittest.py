"""Test cases of unittest: each has a world, whatever kind of test case comes behind, and every failure tells of it."""

from __future__ import annotations

import pickle
import unittest
from typing import TYPE_CHECKING, Any

import pytest

from postroad_kit.errors import Refused
from postroad_kit.stack import Stack, set_current
from postroad_kit.unittest import PostroadTestCase, WorldMixin

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def stack(url: str) -> Iterator[Stack]:
    set_current(current := Stack(url))
    yield current
    set_current(None)
    current.close()


class Plain(PostroadTestCase):
    __test__ = False  # for pytest: it runs below
    broken = ""

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.world.account("bob")
        assert self.broken != "setUp"

    def tearDown(self) -> None:
        assert self.broken != "tearDown"

    def test_passes(self) -> None:
        self.bob.none()

    def test_fails(self) -> None:
        self.bob.wait(timeout=0.1)

    def test_part_fails(self) -> None:
        for number in range(3):
            with self.subTest(number=number):
                assert number == 1

    @unittest.expectedFailure
    def test_is_known_to_fail(self) -> None:
        self.bob.wait(timeout=0.1)

    def test_skips(self) -> None:
        self.skipTest("not today")


class Async(WorldMixin, unittest.IsolatedAsyncioTestCase):
    __test__ = False

    async def test_passes(self) -> None:
        self.world.account("bob").none()

    async def test_fails(self) -> None:
        self.world.account("bob").wait(timeout=0.1)


def run(case: unittest.TestCase) -> tuple[unittest.TestResult, list[str]]:
    """Run a test; return the result, and the texts of what failed."""
    result = unittest.TestResult()
    assert case.run(result) is result
    return result, [text for _, text in result.failures + result.errors]


def is_there(stack: Stack, case: Any) -> bool:
    try:
        return bool(stack.postroad.find(case.world.id))
    except Refused:
        return False


@pytest.mark.parametrize("kind", [Plain, Async])
def test_a_test_that_passes_leaves_nothing(stack: Stack, kind: type[unittest.TestCase]) -> None:
    case = kind("test_passes")
    assert run(case)[1] == []
    assert not is_there(stack, case)


@pytest.mark.parametrize("kind", [Plain, Async])
def test_a_failure_tells_of_the_world_and_keeps_it(stack: Stack, kind: type[unittest.TestCase]) -> None:
    case = kind("test_fails")
    (text,) = run(case)[1]
    assert "NotArrived: at least 1 should match" in text
    assert text.count("-- Postroad: what arrived") == 1
    assert is_there(stack, case)


@pytest.mark.parametrize("broken", ["setUp", "tearDown"])
def test_so_does_what_fails_around_the_test(stack: Stack, broken: str) -> None:
    case = Plain("test_passes")
    case.broken = broken
    (text,) = run(case)[1]
    assert "-- Postroad: what arrived" in text
    assert is_there(stack, case)


def test_so_does_a_part_of_a_test(stack: Stack) -> None:
    case = Plain("test_part_fails")
    texts = run(case)[1]
    assert [text.count("-- Postroad: what arrived") for text in texts] == [1, 1]
    assert is_there(stack, case)


def test_a_test_that_is_run_again(stack: Stack) -> None:
    case = Plain("test_passes")
    case.broken = "tearDown"
    run(case)
    case.broken = ""
    assert run(case)[1] == []
    assert not is_there(stack, case)


@pytest.mark.parametrize("name", ["test_is_known_to_fail", "test_skips"])
def test_no_failure(stack: Stack, name: str) -> None:
    case = Plain(name)
    result, texts = run(case)
    assert (texts, len(result.expectedFailures) + len(result.skipped)) == ([], 1)
    assert not is_there(stack, case)


def test_a_test_without_a_result(stack: Stack) -> None:
    case = Plain("test_fails")
    result = case.run()
    assert result is not None
    assert len(result.failures) == 1


def test_without_a_stack_the_error_is_that(monkeypatch: pytest.MonkeyPatch) -> None:
    set_current(None)
    monkeypatch.setenv("POSTROAD_URL", "ftp://nowhere")
    (text,) = run(Plain("test_passes"))[1]
    assert "POSTROAD_URL is not right: ftp://nowhere is no http or https URL" in text


def test_a_test_goes_to_another_process_by_its_name(stack: Stack) -> None:
    """As Django's parallel runner sends tests to its workers, and a subtest that has failed back."""
    case = Plain("test_passes")
    case.broken = "tearDown"
    assert vars(pickle.loads(pickle.dumps(case)))["broken"] == "tearDown"
    run(case)
    come = pickle.loads(pickle.dumps(case))
    assert (come.id(), str(come), come.shortDescription()) == (case.id(), str(case), case.shortDescription())
