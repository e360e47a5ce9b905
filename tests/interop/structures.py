"""Compares ENVELOPE, BODY, BODYSTRUCTURE and the parts' octets of a folder of messages: Postroad's and Dovecot's.

    .venv/bin/python -m tests.interop.structures FOLDER ...

Each file is a message, with or without a `From ` line before it. What differs is printed, the first difference of each
item; docs/mime.md has those that are settled. Two of them are so common that they are only counted: white space in
fields that were folded, and the spelling of types and charsets. Corpora of other mail libraries are no part of this
repository: take them from Debian's source packages and from PyPI.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.mail.crlf import with_crlf
from postroad.mime.structure import parse
from tests.golden.structure.dovecot import ask, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 4 << 20  # octets of a message that is compared
ITEMS = ("envelope", "body", "bodystructure")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+', re.DOTALL)


def messages(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the messages in a folder, as a client would append them."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if not path.is_file() or path.stat().st_size > LARGEST:
            continue
        content = path.read_bytes()
        if content.startswith(b"From "):
            content = content.partition(b"\n")[2]
        content = with_crlf(content).replace(b"\0", b"\x80")  # no literal has NULs
        if content and re.match(rb"[!-9;-~]+[ \t]*:", content):
            yield path, content


def differences(content: bytes, theirs: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield what differs: the item, and the piece of it that we and that they say otherwise."""
    parsed = parse(content)
    for item, ours in zip(ITEMS, (parsed.envelope, parsed.body, parsed.bodystructure), strict=True):
        mine, other = TOKEN.findall(quoted(ours).decode("latin-1")), TOKEN.findall(theirs[item])
        if mine != other:
            at = next((at for at, (a, b) in enumerate(zip(mine, other, strict=False)) if not alike(a, b)), -1)
            first, last = max(at - 4, 0), at + 6 if at >= 0 else 0
            yield item, " ".join(mine[first:last]), " ".join(other[first:last])


def alike(ours: str, theirs: str) -> bool:
    """Return True if two tokens differ in case and white space alone."""
    return " ".join(ours.lower().split()).replace('" ', '"') == " ".join(theirs.lower().split()).replace('" ', '"')


def main(folders: list[str]) -> int:
    """Compare, and print; return how many messages differ in more than white space and case."""
    pairs = [pair for folder in folders for pair in messages(Path(folder))]
    answers = ask([content for _, content in pairs])
    kinds: Counter[bool] = Counter()
    for (path, content), theirs in zip(pairs, answers, strict=True):
        told = list(differences(content, theirs))
        for item, ours, other in told:
            if ours or other:
                sys.stdout.write(f"{path}: {item}\n  ours:   {ours}\n  theirs: {other}\n")
        if told:
            kinds[any(ours or other for _, ours, other in told)] += 1
    sys.stdout.write(f"{len(pairs)} messages: {kinds[True]} differ, {kinds[False]} in white space or case alone\n")
    return kinds[True]


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
