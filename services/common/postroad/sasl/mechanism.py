"""What the SASL mechanisms have in common (RFC 4422 §3): the exchange, its outcome, the errors, and BASE64.

An exchange takes the client's responses, one per step. Each step returns a challenge, or the client's claim once it is
complete, or raises `SaslError`. The caller checks the claim and tells the exchange (`judged`), which may have a last
word for the client before the outcome: SCRAM's signature, OAuth's error.
"""

from __future__ import annotations

import base64
import re
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.sasl.channel import Channel
    from postroad.sasl.scram_hash import Salted
    from postroad.sasl.token import Grant
    from postroad.world.world import Account

# Octets of BASE64. RFC 4954 §4: 12,288 octets suffice for every exchange; tokens of two thousand octets are usual.
MAX_RESPONSE = 12288
LONGEST_NAME = 320  # characters of a login name that are noted and compared

# RFC 4648 §3.2, §3.3: no character outside the alphabet, and padding at the end alone
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")


class SaslError(Exception):
    """The exchange ends without a claim; the message says why, in words that the client may read."""


class CancelledError(SaslError):
    """The client has cancelled the exchange by `*`."""


class Base64Error(SaslError):
    """The response is not BASE64."""


class MalformedError(SaslError):
    """The response does not have the form that the mechanism prescribes."""


class UnaskedError(MalformedError):
    """There is an initial response, though the server speaks first."""


class Proof(Protocol):
    """What a client gives to prove that it is who it says it is."""

    def is_quick(self, account: Account) -> bool:
        """Whether `proves` answers at once; otherwise it takes tens of milliseconds and belongs in a thread."""
        ...

    def proves(self, account: Account) -> bool:
        """Whether the client is the owner of the account."""
        ...


@value
class Claim:
    """Who the client says that it is (RFC 4422 §2): the authentication identity, with its proof.

    `identity` is the authorization identity, as whom the client wants to act; "" is its own.
    """

    mechanism: str
    login: str
    proof: Proof = field(repr=False)
    identity: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What a log line and an event of the journal say of the attempt."""
        facts = {"login": self.login[:LONGEST_NAME], "mechanism": self.mechanism}
        return facts | ({"identity": self.identity[:LONGEST_NAME]} if self.identity else {})


class Realm(Protocol):
    """What mechanisms ask of the server."""

    @property
    def forms(self) -> frozenset[str]:
        """The forms of the accounts' secrets (`secret.form_of`)."""
        ...

    def find(self, login: str) -> Account | None:
        """Return the account with this login name."""
        ...

    def salted(self, login: str, algorithm: str) -> Salted:
        """Return the salt and the number of iterations of SCRAM, also for a name that is nobody's."""
        ...

    def grant(self, token: str) -> Grant | None:
        """Return what a token allows, None if it is none of ours."""
        ...

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        ...


@value
class Context:
    """What an exchange may know of its session."""

    service: str  # "smtp", "imap" or "pop": SASL's service name
    realm: Realm
    channel: Channel
    unique: str  # a text in the form of a message ID, which no other exchange has
    nonce: str  # RFC 5802 §5.1: printable characters but "," that nobody can foresee
    oauth_error: Callable[[str, str], bytes | None]  # from service and status
    plus: bool  # whether channel binding is offered too (RFC 5802 §6)


class _NoProof:
    """What proves nobody."""

    __slots__ = ()

    def is_quick(self, _account: Account) -> bool:
        return True

    def proves(self, _account: Account) -> bool:
        return False


NO_PROOF = _NoProof()


class Exchange:
    """One exchange of one mechanism, seen from the server."""

    __slots__ = ()

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take a response, or None if the client sent no initial response; raises `SaslError`."""
        raise NotImplementedError

    def judged(self, *, accepted: bool) -> bytes | None:  # noqa: ARG002 - most mechanisms have nothing to add
        """Return a last challenge, whose response (`end`) precedes the outcome; None: the outcome comes at once."""
        return None

    def end(self, response: bytes) -> None:
        """Take the response to the last challenge; raises `MalformedError`."""
        if response:
            raise MalformedError("Response is not as the mechanism wants it")


def decode_response(line: bytes) -> bytes:
    """Return the octets of a response, given in BASE64; raises `SaslError`."""
    if line == b"*":
        raise CancelledError("Authentication cancelled")
    if len(line) > MAX_RESPONSE:
        raise MalformedError("Response is too long")
    if not _BASE64.match(line):
        raise Base64Error("Response is not BASE64")
    return base64.b64decode(line)


def identities(login: str, identity: str) -> tuple[str, str]:
    """Return who proves itself, and as whom it wants to act ("": as itself).

    `user@domain*administrator@domain` says both in one name, for clients that have no field for the second (Dovecot's
    auth_master_user_separator). No login name of one account has two "@" outside of quotes.
    """
    user, _, administrator = login.rpartition("*")
    if not identity and "@" in user and "@" in administrator:
        return administrator, user
    return login, identity


def name_of(saslname: str, mechanism: str) -> str:
    """Return the name that is meant: "=2C" is a comma, "=3D" an equals sign; nothing else has one.

    RFC 5802 §5.1 and RFC 5801 §4 write names so. Raises `MalformedError`, which names the mechanism.
    """
    name = saslname.replace("=2C", ",").replace("=3D", "\0")
    if "=" in name or "\0" in saslname:
        raise MalformedError(f"Response is not as {mechanism} wants it")
    return name.replace("\0", "=")


def text_of(response: bytes) -> str:
    """Return the text of a response; raises `MalformedError`."""
    try:
        return response.decode()
    except UnicodeDecodeError:
        raise MalformedError("Response is not UTF-8") from None
