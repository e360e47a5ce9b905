"""What SASL's mechanisms ask of a service (`sasl.mechanism.Realm`): its accounts, its tokens, and SCRAM's salts."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Protocol

from postroad.sasl.scram_hash import SALT, Salted, ScramHash
from postroad.sasl.token import LONGEST, Grant, digest, read
from postroad.world.secret import is_scram

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad.clock import Clock
    from postroad.world.world import Account


class Known(Protocol):
    """What a realm takes from a `World`, or from the `Layers` of several."""

    @property
    def forms(self) -> frozenset[str]: ...  # noqa: D102 - as in `World`

    @property
    def administrators(self) -> frozenset[str]: ...  # noqa: D102

    @property
    def tokens(self) -> Mapping[str, Grant]: ...  # noqa: D102


class AccountRealm:
    """The accounts that `find` has, and the world that `world` gives.

    `key` is the stack's (`postroad.control.token.KEY_FILE`): it signs tokens and makes salts. `created`: accounts with
    a plain password may exist that the world does not have.
    """

    def __init__(
        self,
        find: Callable[[str], Account | None],
        world: Callable[[], Known],
        *,
        key: bytes,
        clock: Clock,
        created: bool = False,
    ) -> None:
        self.find = find
        self._world = world
        self._key = key
        self._clock = clock
        self._created = frozenset({"plain"} if created else ())

    @property
    def forms(self) -> frozenset[str]:
        """The forms of the accounts' secrets."""
        forms = self._world().forms
        return forms | self._created if self._created else forms

    @property
    def administrators(self) -> frozenset[str]:
        """The logins of those who may act as any account."""
        return self._world().administrators

    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self._clock.now()

    def salted(self, login: str, algorithm: str) -> Salted:
        """Return the salt of an account's hash; else one that is made up and always the same for the name.

        RFC 5802 §9: nothing tells names that exist from others. A hash has a salt of its own, so it had better have the
        iterations that are made up here, which `postroad password` sees to.
        """
        account = self.find(login)
        if account is not None and is_scram(account.secret):
            keys = ScramHash.parse(account.secret)
            if keys.algorithm == algorithm:
                return keys.salted
        name = f"scram salt\0{algorithm}\0{login.casefold()}".encode("utf-8", "surrogatepass")
        return Salted(hmac.digest(self._key, name, "sha256")[:SALT])

    def grant(self, token: str) -> Grant | None:
        """Return what a token allows: one that the world lists, or that the stack has minted; else None."""
        if not token or len(token) > LONGEST:
            return None
        return self._world().tokens.get(digest(token)) or read(self._key, token)
