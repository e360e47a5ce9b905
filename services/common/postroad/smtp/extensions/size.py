"""SIZE (RFC 1870): the server says how large a message it takes, the client how large its message is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from postroad.mail.reply import TOO_LARGE, Reply
from postroad.smtp.client.outcome import failed
from postroad.smtp.extensions.extension import Extension, Parameter
from postroad.smtp.server.commands import PARAMETER_SYNTAX, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.mail.envelope import Envelope
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.service import Session

# size-value ::= 1*20DIGIT (RFC 1870 §3)
_SIZE = re.compile(r"[0-9]{1,20}\Z")


def _parse(value: str | None) -> int:
    if value is None or not _SIZE.match(value):
        raise CommandError(PARAMETER_SYNTAX)
    return int(value)


def _check(envelope: Envelope, profile: Profile, _session: Session) -> Reply | None:
    size = envelope.declared_size
    # RFC 1870 §6.1 (2): 552 where the declared size exceeds the fixed maximum
    return TOO_LARGE if size is not None and size > profile.limits.message_size else None


@lru_cache(maxsize=256)  # asked for each message, and servers offer few different ones
def _limit(offered: str | None) -> int:
    """Return the limit that a server offers; 0: none, or none that can be read."""
    return int(offered) if offered and _SIZE.match(offered) else 0


def _obstacle(transaction: Transaction, offered: str | None, server: str) -> Sequence[Failed] | None:
    if not 0 < _limit(offered) < transaction.size:
        return None
    # RFC 1870 §6.1 leaves it to the client; the server would answer 552.
    why = f"size {transaction.size} exceeds the limit {offered} of {server}"
    return [failed("5.3.4", why, server)] * len(transaction.envelope.recipients)


SIZE = Extension(
    keyword="SIZE",
    rfc="RFC 1870",
    offer=lambda profile, _session: f"SIZE {profile.limits.message_size}",
    mail=(Parameter("SIZE", _parse, "declared_size", _check),),
    mail_line=26,  # RFC 1870 §3 (5)
    with_mail=lambda transaction, _offered: f"SIZE={transaction.size}",
    obstacle=_obstacle,
)
