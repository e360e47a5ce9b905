"""THREAD and UID THREAD (RFC 5256 §3), and how threads are written (RFC 5256 §4)."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.search.command import FOLLOW, BadCharset, refuse_filter, refuse_large
from postroad_store.imap.commands.search.filters import undefined_filter
from postroad_store.imap.commands.search.grammar import CharsetUnknown, read_criteria
from postroad_store.imap.events import Command
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.limits import searched
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import SELECT
from postroad_store.mail.threads.algorithms import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad_store.imap.commands.search.grammar import Program
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Parser
    from postroad_store.mail.threads.algorithms import Algorithm
    from postroad_store.mail.threads.forest import Forest

PIECE = 4_096  # pieces of text that are joined at a time (about a millisecond)
_RFC = "RFC 5256 §3"
_CAPABILITIES = {
    each.word.encode("ascii"): (
        each(),
        Capability(f"THREAD={each.word}".encode("ascii"), _RFC, after_login),
    )
    for each in ALGORITHMS
}


@value
class Thread(Command):
    """THREAD, or UID THREAD."""

    uid: bool
    algorithm: Algorithm
    program: Program


def _parser(*, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        # thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria                              (RFC 5256 §5)
        if reader.at_end():
            raise SyntaxFault("Invalid arguments")
        reader.space()
        word = reader.keyword()
        known = _CAPABILITIES.get(word)
        if known is None or not reader.offers(known[1]):
            raise SyntaxFault("Unknown thread algorithm")
        try:
            return Thread(tag, uid, known[0], read_criteria(reader))
        except CharsetUnknown as unknown:
            return BadCharset(tag, saves=False, answer=unknown.answer)

    return parse


async def handle(session: Session, command: Thread) -> None:
    """Search the selected mailbox, and thread what is found, until the client goes away."""
    view = session.selected_view()
    undefined = undefined_filter(session, command.program)
    if undefined is not None:
        refuse_filter(session, command, undefined, saves=False)
        return
    _, lowest = await searched(session, view, command.program.key)
    if lowest is not None:
        refuse_large(session, command, lowest, saves=False)
        return
    pause = session.connection.wait_writable
    numbers, forest = await session.storage.finder.thread(view, command.program.key, command.algorithm, between=pause)
    if command.uid:
        numbers = [view.uids[number - 1] for number in numbers]
    pieces = [b"* THREAD"]
    if numbers:
        pieces.append(b" ")
    for piece in written(forest, numbers):
        pieces.append(piece)
        await asyncio.sleep(0)
    pieces.append(b"\r\n")
    session.engine.send(b"".join(pieces))
    session.finish(command, b"OK Thread completed.", expunges=command.uid, uid=command.uid)


def written(forest: Forest, numbers: Sequence[int]) -> Iterator[bytes]:
    """Yield the threads as the wire has them, in pieces; `numbers` are those of the messages, in order.

    Nothing recurses: threads may nest as deep as a mailbox is long.
    """
    # thread-list    = "(" (thread-members / thread-nested) ")"
    # thread-members = nz-number *(SP nz-number) [SP thread-nested]; thread-nested = 2*thread-list
    pieces: list[bytes] = []
    for start in range(0, len(forest.roots), PIECE):
        for has_others, roots in groupby(forest.roots[start : start + PIECE], forest.children.__contains__):
            if not has_others:  # most threads are one message
                alone = [numbers[root] for root in roots]
                pieces.append(b"(%d)" * len(alone) % tuple(alone))
                continue
            for root in roots:
                pieces += _nested(forest, root, numbers)
                if len(pieces) > PIECE:
                    yield b"".join(pieces)
                    pieces.clear()
        yield b"".join(pieces)
        pieces.clear()


def _nested(forest: Forest, root: int, numbers: Sequence[int]) -> list[bytes]:
    """Return one thread as the wire has it."""
    pieces: list[bytes] = []
    todo = [root]  # nodes; or -1, where a parenthesis closes
    while todo:
        node = todo.pop()
        if node < 0:
            pieces.append(b")")
            continue
        pieces.append(b"(")
        todo.append(-1)
        if not forest.is_dummy(node):
            pieces.append(b"%d" % numbers[node])
            while len(below := forest.below(node)) == 1:
                (node,) = below
                pieces.append(b" %d" % numbers[node])
            if below:
                pieces.append(b" ")
        todo += reversed(forest.below(node))
    return pieces


_EXTENSIONS = tuple(capability for _, capability in _CAPABILITIES.values())

SPECS = (
    Spec(
        b"THREAD",
        SELECT,
        Thread,
        _parser(uid=False),
        handle,
        "RFC 5256 §3",
        extensions=_EXTENSIONS,
        follow=FOLLOW,
    ),
    Spec(
        b"UID THREAD", SELECT, Thread, _parser(uid=True), handle, "RFC 5256 §3", extensions=_EXTENSIONS, follow=FOLLOW
    ),
)
