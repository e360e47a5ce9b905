"""Message IDs in header fields, in the form in which THREAD compares them (RFC 5256 §3, REFERENCES)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 5322 §3.6.4: msg-id = "<" id-left "@" id-right ">", where id-left may be a quoted string. Each alternative looks
# at an octet once: a field of a megabyte may be nothing but `<` or `@`.
_MESSAGE_ID = re.compile(rb'<(?:\s*"((?:[^"\\]|\\.)*+)"\s*@([^<>"@]++)|([^<>"@]*+@[^<>"]*+))>', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_SPACE = b" \t\r\n"


def message_ids(field: bytes) -> Iterator[bytes]:
    """Yield the Message IDs in a Message-ID, In-Reply-To or References field, without brackets, quotes and spaces.

    `<"a"@b>` and `<a@b>` are the same one. What is no Message ID is passed over.
    """
    for match in _MESSAGE_ID.finditer(field):
        quoted, host, plain = match.groups()
        if plain is None:
            plain = b"%b@%b" % (_ESCAPE.sub(rb"\1", quoted), host.translate(None, _SPACE))
        else:
            plain = plain.translate(None, _SPACE)
        if len(plain) > 1:
            yield plain
