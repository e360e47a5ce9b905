"""Random Sieve scripts on Postroad's engine and on pigeonhole: which are refused, and what the others do.

    python -m tests.interop.beside.sieve [--first 1] [--seeds 1000]

What differs is printed with the fewest commands that show it. docs/standards.md has the differences that are settled.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.mime.text import decode_words
from postroad_store.sieve.actions import Redirect
from postroad_store.sieve.errors import InvalidScript
from tests.harness.needs import require_program
from tests.interop.beside.scripts import TOKEN, Scripts
from tests.interop.beside.seeds import Seeds, options
from tests.interop.sieve_oracle import Pigeonhole, actions
from tests.store.sieve.toy import outcome, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess

    from tests.interop.beside.scripts import Case

OWN = re.compile(rb"(?:X-Sieve|X-Sieve-Redirected-From|Message-ID: <dovecot-sieve-)[^\n]*\n")


@contextlib.contextmanager
def pigeonhole() -> Iterator[Pigeonhole]:
    """Give pigeonhole in a folder of its own."""
    user = pwd.getpwnam("mail")
    folder = Path(tempfile.mkdtemp(prefix="postroad-sieve-"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        yield Pigeonhole(require_program("sieve-test"), folder, user.pw_uid, user.pw_gid)
    finally:
        shutil.rmtree(folder)


def path(address: str) -> tuple[str, str] | None:
    """Return local-part and domain of an address; None for the null reverse-path."""
    local, _, domain = address.rpartition("@")
    return (local, domain) if domain else None


def fields(header: bytes) -> list[str]:
    """Return the fields of a header section as they are read."""
    section = header.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    lines = re.sub(rb"\n(?=[ \t])", b"", section).split(b"\n")
    pairs = [" ".join(decode_words(line).split()).partition(":") for line in lines if line.strip()]
    return [
        f"{name.lower()}: {value.strip()}" for name, _, value in pairs
    ]  # pigeonhole gives all of a name one spelling


def ours(case: Case) -> list[str]:
    """Return what ours makes of it."""
    recipient = path(case.recipient)
    assert recipient is not None
    try:
        done = outcome(
            case.script,
            case.message,
            now=datetime.now(UTC),
            sender=path(case.sender),
            recipients=(recipient,),
            mailboxes=("INBOX", "inbox", "Junk", "Lists/sieve"),
        )
    except InvalidScript:
        return ["invalid"]
    if done.error is not None:
        return ["fails"]
    if not case.edits:
        said = [
            [word for word in shown(action).split(" ") if word not in {"edited", "create"}] for action in done.actions
        ]
        return [" ".join(sorted(set(" ".join(words).lower().split()))) for words in said]
    (action,) = done.actions
    assert isinstance(action, Redirect)
    header = case.message if action.header is None else action.header
    return fields(header)


def asked(pigeonhole: Pigeonhole, case: Case) -> CompletedProcess[str]:
    options = ("-e",) if case.edits else ()
    return pigeonhole.run(case.script, case.message, recipient=case.recipient, sender=case.sender, options=options)


def complaints(pigeonhole: Pigeonhole, case: Case) -> list[str]:
    """Return the errors that pigeonhole tells."""
    theirs = [line for line in asked(pigeonhole, case).stderr.split("\n") if re.search("error:|Fatal:|Panic:", line)]
    try:
        error = outcome(case.script, case.message).error
    except InvalidScript as invalid:
        error = str(invalid)
    return [*theirs[:4], *([f"ours: {error}"] if error else [])]


def theirs(pigeonhole: Pigeonhole, case: Case) -> list[str]:
    """Return what pigeonhole makes of it."""
    done = asked(pigeonhole, case)
    if done.returncode:
        if "Panic" in done.stderr:
            return ["panics"]
        return ["invalid" if "failed to compile" in done.stderr else "fails"]
    if not case.edits:
        return [" ".join(sorted(set(action.lower().split()))) for action in actions(done.stdout)]
    octets = done.stdout.encode("utf-8", "surrogateescape")
    return fields(OWN.sub(b"", octets))


def difference(pigeonhole: Pigeonhole, case: Case) -> tuple[list[str], list[str]] | None:
    """Return what ours says and what theirs does, if that is not the same."""
    both = ours(case), theirs(pigeonhole, case)
    return None if both[0] == both[1] or both[1] == ["panics"] else both


def failing(said: list[str]) -> str:
    return said[0] if said in (["invalid"], ["fails"], ["panics"]) else ""


def shorter(tokens: list[str], at: int) -> Iterator[list[str]]:
    """Yield the script without what begins with a word: most of it first, then less; then without what is around it."""
    ends, depth = [], 0
    for end in range(at, len(tokens)):
        depth += (tokens[end] in {"{", "(", "["}) - (tokens[end] in {"}", ")", "]"})
        if depth < 0:
            break
        if depth == 0:
            ends.append(end + 1)
    yield from (tokens[:at] + tokens[end:] for end in reversed(ends))
    if tokens[at] in {"{", "(", "["}:
        for start in range(at, max(at - 40, -1), -1):
            yield tokens[:start] + tokens[at + 1 : ends[0] - 1] + tokens[ends[0] :]


def fewest(pigeonhole: Pigeonhole, case: Case, both: tuple[list[str], list[str]]) -> Case:
    """Leave out words of the script, and lines of the message, as long as there is a difference of this kind."""
    kinds = [failing(said) for said in both]

    def differs(less: Case) -> bool:
        mine = ours(less)
        if failing(mine) != kinds[0]:
            return False
        other = theirs(pigeonhole, less)
        return mine != other and failing(other) == kinds[1]

    tokens = TOKEN.findall("\n".join(case.commands))
    at = 0
    while at < len(tokens):
        for fewer in shorter(tokens, at):
            if differs(replace(case, commands=fewer)):
                tokens = fewer
                break
        else:
            at += 1
    case = replace(case, commands=tokens)
    for size in (8, 1):
        lines = case.message.split(b"\r\n")
        at = 0
        while at < len(lines):
            less = replace(case, message=b"\r\n".join(lines[:at] + lines[at + size :]))
            if b"\r\n\r\n" in less.message and differs(less):
                case, lines = less, lines[:at] + lines[at + size :]
            else:
                at += 1
    return replace(case, commands=[" ".join(case.commands)])


def main(seeds: Seeds) -> None:
    """Run a script for each seed."""
    with pigeonhole() as oracle:
        for seed in seeds:
            case = Scripts(seed).make()
            both = difference(oracle, case)
            if both is None:
                continue
            case = fewest(oracle, case, both)
            mine, other = difference(oracle, case) or ([], [])
            lines = [*case.commands, f"{case.message!r} {case.sender} {case.recipient}"]
            lines += [f"    {line}" for line in complaints(oracle, case)]
            lines.append(f"  ours:   {[line for line in mine if line not in other] or mine}")
            lines.append(f"  theirs: {[line for line in other if line not in mine] or other}\n")
            seeds.differs(seed, "\n".join(lines))


if __name__ == "__main__":
    seeds = Seeds(options().parse_args())
    main(seeds)
    sys.exit(seeds.status)
