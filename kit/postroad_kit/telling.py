"""Why an expectation of a test is not met: the API's sentence, and tables of what it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad_kit.table import harmless, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from postroad_kit.letter import Letter

HEAD = ("ID", "STATE", "FROM", "TO", "SUBJECT")


def row(message: Mapping[str, Any]) -> list[str]:
    """Return a message's cells below `HEAD`."""
    to = [recipient["address"] for recipient in message["recipients"]]
    more = f" +{len(to) - 1}" if len(to) > 1 else ""
    return [
        message["id"],
        message["state"],
        message["sender"] or "<>",
        (to[0] if to else "") + more,
        message["subject"] or "",
    ]


def row_of(letter: Letter) -> list[str]:
    """Return a letter's cells below `HEAD`."""
    to = [{"address": recipient.address} for recipient in letter.recipients]
    return row({**vars(letter), "recipients": to})


def several(letters: Sequence[Letter]) -> str:
    """Return the sentence for several messages where one was expected."""
    lines = table(HEAD, list(map(row_of, letters)))
    return "\n".join([f"1 message was expected, but {len(letters)} match (wait_all takes several):", *lines])


def sentences(problem: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that say why: what came close, what matches, what is under way, what was refused, what came."""
    yield harmless(str(problem.get("detail") or problem.get("title") or "The API does not say why."))
    if near := problem.get("near_misses", ()):
        yield "Came close:"
        rows = [[*row(candidate["message"]), ", ".join(candidate["missed"])] for candidate in near]
        yield from table([*HEAD, "BUT NOT"], rows)
    if matched := problem.get("matched", ()):
        yield "Matches:"
        yield from table(HEAD, list(map(row, matched)))
    if under_way := problem.get("under_way", ()):
        yield "Still under way:"
        yield from table(
            ["ID", "TO", "WHY"],
            [[recipient["id"], recipient["recipient"], recipient["detail"]] for recipient in under_way],
        )
    if refused := problem.get("refused", ()):
        yield "Refused lately:"
        rows = [[refusal["command"] or "", ", ".join(refusal["recipients"]), refusal["reply"]] for refusal in refused]
        yield from table(["COMMAND", "TO", "REPLY"], rows)
    shown = {message["message"]["id"] for message in near} | {message["id"] for message in matched}
    if arrived := [message for message in problem.get("arrived", ()) if message["id"] not in shown]:
        yield "Came meanwhile:"
        yield from table(HEAD, list(map(row, arrived)))
