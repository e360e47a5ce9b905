"""A mail that a test has got: a letter that can ask for more of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postroad_kit import asking
from postroad_kit.letter import Attachment, Letter
from postroad_kit.reading import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_kit.history import Road
    from postroad_kit.world import World

SEEN = "\\Seen"


@dataclass(frozen=True, repr=False)
class Mail(Letter):
    """A message, and the world in which it is."""

    _world: World = field(repr=False, compare=False)

    @property
    def raw(self) -> bytes:
        """The message as it is, with its CRLFs."""
        return self._world.ask(asking.raw(self.id))

    @property
    def seen(self) -> bool:
        r"""Whether a mail client has read a copy of it: whether one has the flag \\Seen now."""
        copies = [copy for copy in self.copies if not copy.removed]
        return any(SEEN in self._world.ask(asking.flags(copy)) for copy in copies)

    @property
    def road(self) -> Road:
        """Its whole story, hop by hop, as it is known now."""
        return self._world.ask(asking.road(self.id))

    def attachment(self, name: str = "*") -> Attachment:
        """Return the one attachment whose file name matches, with `*` and `?`, and its content. Raises `NotOne`."""
        file = self.file(name)
        return Attachment(**vars(file), content=self._world.ask(asking.part(self.id, file.part_id)))


def mail_of(message: Mapping[str, Any], world: World) -> Mail:
    """Return a message of the API's JSON."""
    return Mail(**fields_of(message), _world=world)
