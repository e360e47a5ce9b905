"""A transcript as one world may see it, as values for JSON. Pure.

A session between relay and store carries the messages of several worlds. Each world sees what was said about its own,
and what belongs to no message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.tap import Carried, Read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad.transcript.line import Line
    from postroad.transcript.tape import Tape


def summary(tape: Tape, world: str | None) -> dict[str, Any]:
    """Return the facts about a session; `world` None: for all worlds."""
    opened = tape.opened
    return {
        "id": opened.session,
        "protocol": opened.protocol,
        "peer": opened.peer,
        "local": opened.local,
        "outbound": opened.outbound,
        "began": tape.began,
        "ended": tape.ended,
        "tls": tape.tls,
        "account": tape.account,
        "world": tape.world if world is None else world,
        "messages": [ident for ident, other in tape.messages.items() if world in {None, other}],
        "reads": [_read(fact) for fact in tape.reads if world in {None, fact.world}],
        "changed": tape.changed,
    }


def _read(fact: Read) -> dict[str, Any]:
    return {
        "account": fact.account,
        "mailbox": fact.mailbox,
        "uid_validity": fact.uid_validity,
        "uids": fact.uids,
    }


def whole(tape: Tape, world: str | None) -> dict[str, Any]:
    """Return a session with its lines; `facts` says which lines are about which messages."""
    tape.read()
    lines = list(visible(tape, world))
    numbers = {line.number for line in lines}
    facts: list[dict[str, Any]] = []
    for note in tape.notes:
        match note.fact:
            case Carried(queue_id, other) if world in {None, other}:
                facts.append({"line": note.line, "message": queue_id})
            case Read() as fact if world in {None, fact.world} and note.line in numbers:
                facts.append({"line": note.line, "read": _read(fact)})
            case _:
                pass
    return {**summary(tape, world), "omitted": tape.omitted, "facts": facts, "lines": [line_of(line) for line in lines]}


def visible(tape: Tape, world: str | None) -> Iterator[Line]:
    """Yield the lines that a world may see."""
    if world is None:
        yield from tape.lines
        return
    own = tape.groups_of(world)
    others = {group for other in tape.worlds if other != world for group in tape.groups_of(other)}
    for line in tape.lines:
        # A transaction that has carried nothing is its session's: it was refused.
        if not line.group or line.group in own or (line.group not in others and tape.world == world):
            yield line


def line_of(line: Line) -> dict[str, Any]:
    """Return one line."""
    value: dict[str, Any] = {
        "n": line.number,
        "at": line.at,
        "from": line.side.value,
        "text": line.text,
        "tls": line.tls,
        "state": line.state,
    }
    if line.group:
        value["transaction"] = line.group
    if line.blank:
        value["blank"] = True
    if not line.whole:
        value["whole"] = False
    if line.reference is not None:
        value["reference"] = {"size": line.reference.size, "sha256": line.reference.sha256}
    return value
