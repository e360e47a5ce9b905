"""SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), each with and without channel binding (-PLUS).

    C: gs2-header n=user,r=nonce
    S: r=nonce+,s=salt,i=iterations
    C: c=channel,r=nonce+,p=proof
    S: v=signature           by which the client knows that the server has its keys; an empty response follows

A name that is nobody's gets a made-up salt, always the same (`Realm.salted`), and is refused like a wrong password, so
the exchange does not tell who exists. A failed exchange ends without `e=`: RFC 4422 §3.6 wants the outcome to say no
more than that, and clients need not take a challenge that only carries an error.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from postroad.sasl.mechanism import (
    Claim,
    Context,
    Exchange,
    MalformedError,
    decode_response,
    identities,
    name_of,
    text_of,
)
from postroad.sasl.offer import Mechanism, Needs
from postroad.sasl.saslprep import PrepareError
from postroad.sasl.scram_hash import ALGORITHMS, Salted, ScramHash
from postroad.world.secret import is_plain, is_scram

if TYPE_CHECKING:
    from postroad.world.world import Account

# RFC 5802 §7: gs2-header = gs2-cbind-flag "," [ authzid ] ","
# client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
_FIRST = re.compile(
    r"(?P<header>(?P<flag>p=(?P<kind>[A-Za-z0-9.-]+)|n|y),(?:a=(?P<identity>[^,]+))?,)"
    r"(?P<bare>n=(?P<name>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,]+)*)\Z"
)
# client-final-message = channel-binding "," nonce ["," extensions] "," proof
_FINAL = re.compile(
    r"(?P<bare>c=(?P<channel>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,]+)*?),p=(?P<proof>[A-Za-z0-9+/=]+)\Z"
)
_MALFORMED = "Response is not as SCRAM wants it"


@dataclass(slots=True)
class ScramProof:
    """The client's proof, and the server's signature once it is accepted."""

    algorithm: str
    salted: Salted
    message: bytes  # RFC 5802 §3: the AuthMessage
    proof: bytes = field(repr=False)
    signature: bytes = field(default=b"", repr=False)

    def is_quick(self, _account: Account) -> bool:
        """Return True: with the iterations that we ask for, two milliseconds."""
        return True

    def proves(self, account: Account) -> bool:
        """Whether the client knows the password, or what is derived from it."""
        keys = self._keys(account.secret)
        if keys is None or not keys.is_proved_by(self.proof, self.message):
            return False
        self.signature = keys.signature(self.message)
        return True

    def _keys(self, secret: str) -> ScramHash | None:
        if is_scram(secret):
            keys = ScramHash.parse(secret)
            # The world may have changed since the client got the salt.
            return keys if (keys.algorithm, keys.salted) == (self.algorithm, self.salted) else None
        if not secret or not is_plain(secret):
            return None
        try:
            return ScramHash.derive(secret, self.algorithm, self.salted)
        except PrepareError:
            return None


class Scram(Exchange):
    """One exchange; `name` is the mechanism's."""

    __slots__ = ("_algorithm", "_context", "_first", "_header", "_name", "_nonce", "_proof", "_salted", "_user")

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._algorithm = ALGORITHMS[name.removesuffix("-PLUS")]
        self._context = context
        self._header = b""  # the octets that the channel binding has to have
        self._first = ""  # client-first-message-bare, server-first-message
        self._user, self._salted = ("", ""), Salted(b"")  # the two identities
        self._proof: ScramProof | None = None

    def step(self, response: bytes | None) -> bytes | Claim:
        """Take the first message, which the empty challenge asks for, then the final one."""
        if response is None:
            return b""
        return self._take_first(text_of(response)) if not self._first else self._take_final(text_of(response))

    def _take_first(self, message: str) -> bytes:
        match = _FIRST.match(message)
        if match is None:
            raise MalformedError(_MALFORMED)
        self._header = match["header"].encode() + self._binding(match["flag"], match["kind"])
        self._user = identities(name_of(match["name"], "SCRAM"), name_of(match["identity"] or "", "SCRAM"))
        self._salted = self._context.realm.salted(self._user[0], self._algorithm)
        self._nonce = match["nonce"] + self._context.nonce
        salt = base64.b64encode(self._salted.salt).decode("ascii")
        first = f"r={self._nonce},s={salt},i={self._salted.iterations}"
        self._first = f"{match['bare']},{first}"
        return first.encode()

    def _binding(self, flag: str, kind: str | None) -> bytes:
        """Return the channel binding that the client has to know; raises `MalformedError` (RFC 5802 §6)."""
        plus = self._name.endswith("-PLUS")
        if plus != (kind is not None):
            raise MalformedError("Channel binding goes with -PLUS, and -PLUS with channel binding")
        if kind is None:
            # "y": the client could bind, and believes that we cannot. If we can, somebody has changed our offer.
            if flag == "y" and self._context.plus:
                raise MalformedError("Channel binding is offered, and the client believes that it is not")
            return b""
        binding = self._context.channel.binding(kind)
        if binding is None:
            raise MalformedError("This type of channel binding is not supported")
        return binding

    def _take_final(self, message: str) -> Claim:
        match = _FINAL.match(message)
        if match is None:
            raise MalformedError(_MALFORMED)
        channel, proof = decode_response(match["channel"].encode()), decode_response(match["proof"].encode())
        same_channel = hmac.compare_digest(channel, self._header)
        if not hmac.compare_digest(match["nonce"].encode(), self._nonce.encode()):
            raise MalformedError("The nonce is another one")
        # A binding that differs is answered like a wrong password (RFC 5802 §6): somebody may be between us.
        message = f"{self._first},{match['bare']}" if same_channel else ""
        self._proof = ScramProof(self._algorithm, self._salted, message.encode(), proof)
        return Claim(self._name, self._user[0], self._proof, self._user[1])

    def judged(self, *, accepted: bool) -> bytes | None:
        """Return the server's signature (server-final-message)."""
        if not accepted or self._proof is None:
            return None
        return b"v=" + base64.b64encode(self._proof.signature)


def _mechanism(name: str, rfc: str, *, plus: bool = False) -> Mechanism:
    algorithm = ALGORITHMS[name]
    name = f"{name}-PLUS" if plus else name

    def offered(needs: Needs) -> bool:
        return bool(needs.secrets & {"plain", algorithm}) and (needs.channel.binds or not plus)

    return Mechanism(name, rfc, partial(Scram, name), offered)


SCRAM_SHA_1 = _mechanism("SCRAM-SHA-1", "RFC 5802")
SCRAM_SHA_1_PLUS = _mechanism("SCRAM-SHA-1", "RFC 5802", plus=True)
SCRAM_SHA_256 = _mechanism("SCRAM-SHA-256", "RFC 7677")
SCRAM_SHA_256_PLUS = _mechanism("SCRAM-SHA-256", "RFC 7677", plus=True)
