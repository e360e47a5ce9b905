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

import functools
import unittest
from typing import TYPE_CHECKING, Any, ClassVar

from postroad_kit.report import described
from postroad_kit.stack import current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_kit.world import World


class WorldMixin(unittest.TestCase):
    """Gives each test `self.world`; other test cases come behind it: `class T(WorldMixin, django.test.TestCase)`."""

    world: World
    world_members: ClassVar[Mapping[str, Any]] = {}  # how it is made, as `Postroad.world` takes them
    postroad_world = True  # by which the pytest plugin knows it

    def __init__(self, methodName: str = "runTest") -> None:  # noqa: N803 - unittest's
        super().__init__(methodName)
        test = getattr(self, methodName, None)
        if test is not None:
            setattr(self, methodName, self._telling(test))

    def setUp(self) -> None:
        """Make the world."""
        self._failed = False
        self.world = current().postroad.world(**{"owner": self.id(), **self.world_members}, when_used=True)
        self.addCleanup(self._leave)
        super().setUp()

    def _leave(self) -> None:
        if self._failed:
            self.world.keep()
        else:
            self.world.drop()

    def _telling(self, test: Any) -> Any:
        """Return a test that adds to its failure what is in its world."""

        @functools.wraps(test)
        def told(*arguments: Any, **named: Any) -> Any:
            try:
                return test(*arguments, **named)
            except unittest.SkipTest:
                raise
            except Exception as error:
                self._failed = True
                if self.world.is_made:
                    error.add_note(described(self.world))
                raise

        return told


class PostroadTestCase(WorldMixin):
    """A test case with a world for each test."""
