"""An option of RETURN, as the grammar and the answer know it (RFC 4466 §2.6.1, RFC 4731)."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from postroad_store.imap.commands.search.found import Found
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.spec import Capability


class ReturnOption(ABC):
    """One option. What it returns is written in the order of the table (`options.OPTIONS`)."""

    __slots__ = ()
    word: ClassVar[bytes]
    search: ClassVar[tuple[Capability, ...]]  # with one of these SEARCH knows it
    sort: ClassVar[tuple[Capability, ...]]  # and with one of these SORT
    besides: ClassVar[tuple[Capability, ...]] = ()  # which both need besides
    repeats: ClassVar[bool] = True  # to name it twice is no error
    conflicts: ClassVar[bytes] = b""  # the option that it cannot stand beside
    answers: ClassVar[bool] = True  # it calls for an ESEARCH response
    everything: ClassVar[bool] = False  # it is about all messages that were found
    chooses: ClassVar[bool] = False  # it picks some of them out
    last: ClassVar[bool] = False  # from the end

    @classmethod
    def read(cls, reader: Reader) -> Self:  # noqa: ARG003 - most options have no arguments
        """Take the option's arguments, if it has any."""
        return cls()

    def chosen(self, result: Found) -> Sequence[int]:  # noqa: ARG002 - most options choose nothing
        """Return the numbers of the messages that it picks out, for MODSEQ and SAVE."""
        return ()

    def data(self, result: Found) -> Iterator[bytes]:  # noqa: ARG002 - some options return nothing
        """Yield what it adds to the ESEARCH response, in steps."""
        return iter(())
