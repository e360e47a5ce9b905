"""For `unittest`: test cases with a world of their own for each test.

    class SignupTest(PostroadTestCase):
        def test_welcome(self) -> None:
            bob = self.world.account("bob")
            register(bob.address)
            self.assertEqual(bob.wait(subject="Welcome").code(), "482913")

The stack is that of POSTROAD_URL, or one that the first test starts and the end of the process stops; under pytest it
is the plugin's. A failing test's error says what is in its world, and the world stays for a while.
"""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any, ClassVar, cast

from postroad_kit.report import described
from postroad_kit.stack import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from postroad_kit.world import World

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class WorldMixin(unittest.TestCase):
    """Gives each test `self.world`; other test cases come behind it: `class T(WorldMixin, django.test.TestCase)`."""

    world: World
    world_members: ClassVar[Mapping[str, Any]] = {}  # how it is made, as `Postroad.world` takes them
    postroad_world = True  # by which the pytest plugin knows it

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test; an error in any part of it says what is in its world."""
        self._failed = False
        result = self.defaultTestResult() if result is None else result
        super().run(cast("unittest.TestResult", _Telling(result, self._tell)))
        return result

    def setUp(self) -> None:
        """Make the world."""
        self.world = current().postroad.world(**{"owner": self.id(), **self.world_members}, when_used=True)
        self.addCleanup(self._leave)
        super().setUp()

    def __getstate__(self) -> object:
        """Return what is pickled: of a test that has a world its name, as Django's workers send it with a subtest."""
        if "world" not in vars(self):
            return super().__getstate__()
        return {"_testMethodName": self._testMethodName, "_testMethodDoc": self._testMethodDoc}

    def _leave(self) -> None:
        if self._failed:
            self.world.keep()
        else:
            self.world.drop()

    def _tell(self, error: BaseException) -> None:
        self._failed = True
        world = vars(self).get("world")
        if note := described(world if world is not None and world.is_made else None):
            error.add_note(note)


class PostroadTestCase(WorldMixin):
    """A test case with a world for each test."""


class _Telling:
    """A test's result in whose errors more is told. It hears of each at once, before the test's cleanups run.

    So the test itself stays as it is: Django and `IsolatedAsyncioTestCase` look at it to see whether it is a coroutine
    function, and Django's workers get it pickled.
    """

    def __init__(self, result: unittest.TestResult, tell: Callable[[BaseException], None]) -> None:
        self._result = result
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._result, name)

    def addError(self, test: unittest.TestCase, err: ExcInfo) -> None:  # noqa: N802 - here and below: unittest's
        self._told(err)
        self._result.addError(test, cast("Any", err))

    def addFailure(self, test: unittest.TestCase, err: ExcInfo) -> None:  # noqa: N802
        self._told(err)
        self._result.addFailure(test, cast("Any", err))

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: ExcInfo | None
    ) -> None:
        if err is not None:
            self._told(err)
        self._result.addSubTest(test, subtest, cast("Any", err))

    def _told(self, err: ExcInfo) -> None:
        if err[1] is not None:
            self._tell(err[1])
