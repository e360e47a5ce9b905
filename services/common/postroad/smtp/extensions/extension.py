"""An extension of SMTP (RFC 5321 §2.2): one object that says all about it, for the server and for the client.

The server's `Profile` and the client's `Offer` are given a list of these. The server derives from it the reply to EHLO,
the parameters of MAIL and RCPT, the length of command lines, further verbs, and HELP. The client derives from it the
parameters that it sends, what cannot be sent to a server without an extension, and steps before the first transaction.

To add an extension is to write its file and to name it in `EXTENSIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from postroad.mail.address import Address
    from postroad.mail.envelope import Recipient
    from postroad.mail.reply import Reply
    from postroad.smtp.client.engine import Client
    from postroad.smtp.client.events import Transaction
    from postroad.smtp.client.outcome import Failed
    from postroad.smtp.server.profile import Profile
    from postroad.smtp.server.sequence import Verb
    from postroad.smtp.server.service import Session


@value
class Parameter:
    """A parameter of MAIL or RCPT (RFC 5321 §4.1.1.11)."""

    keyword: str  # capitals
    # Takes the value as written, None for a parameter without one; raises `CommandError`.
    parse: Callable[[str | None], Any]
    # The field of Envelope (MAIL) or Recipient (RCPT) that gets the parsed value. The field "parameters" keeps it under
    # the keyword, as a text or None. Without a field, the value is checked and dropped.
    field: str | None = "parameters"
    # Returns the refusal of a combination of parameters that are each valid: for MAIL it is called with the envelope,
    # the profile and the session, for RCPT with the recipient before these.
    check: Callable[..., Reply | None] | None = None


def _available(_profile: Profile) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One extension; every default changes nothing."""

    keyword: str  # of EHLO, capitals
    rfc: str

    # -- the server's side
    # Returns the line of EHLO for a session; None if the extension may not be used now. It is the same for all sessions
    # of a listener that have TLS, or have none, and may use the same mechanisms of AUTH.
    offer: Callable[[Profile, Session], str | None]
    available: Callable[[Profile], bool] = _available  # whether a listener has it at all
    mail: tuple[Parameter, ...] = ()
    rcpt: tuple[Parameter, ...] = ()
    mail_line: int = 0  # octets by which MAIL's line may be longer (RFC 5321 §4.5.3.1.4)
    rcpt_line: int = 0
    verb: Verb | None = None
    encode: Callable[[Reply], bytes] | None = None  # how replies are written

    # -- the client's side; "offered" is the text after the keyword in the server's reply to EHLO
    pipelines: bool = False  # whether commands may be sent before the replies to those in front
    # Returns the parameter to send with MAIL, or with RCPT, where the server offers the extension.
    with_mail: Callable[[Transaction, str], str | None] | None = None
    with_rcpt: Callable[[Recipient, Transaction, str], str | None] | None = None
    path: Callable[[Address], str] | None = None  # how an address is written where it is offered
    # Returns the failure that prevents a transaction with this server ("name[address]"), for each recipient, or None if
    # nothing does. "offered" is None if the server lacks the extension.
    obstacle: Callable[[Transaction, str | None, str], Sequence[Failed | None] | None] | None = None
    # Takes a step before the session is ready, such as STARTTLS; returns True if it has taken one.
    begin: Callable[[Client], bool] | None = None
