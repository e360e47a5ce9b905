"""The layers: the world of the file, and any number of overlays over it.

Each overlay is a `World` of its own (`overlay`). What is asked here is only whose an address, a domain or a login is;
everything else is asked of that world alone, so nothing of one shows in another. All of it costs the same with ten
thousand overlays as with one.

No domain is in two worlds, nor below a domain of another world, so that a zone has the same world from its apex down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.dns.above import above, upwards
from postroad.mail.address import AddressError, domain_key
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postroad.mail.address import Address
    from postroad.sasl.token import Grant
    from postroad.world.overlay import Overlay
    from postroad.world.world import Account, World

_PLAIN = frozenset({"plain"})


class TakenError(Exception):
    """A domain is another world's, or is above or below one that is; `domain` is that one, `world` has it."""

    def __init__(self, wanted: str, domain: str, world: str) -> None:
        whose = "the world file's" if world == DEFAULT_WORLD else f"the world {world}'s"
        near = "" if wanted == domain else f"{'in' if wanted.endswith(domain) else 'above'} {domain}, which is "
        super().__init__(f"{wanted} is {near}{whose}")
        self.domain = domain
        self.world = world


class Layers:
    """The worlds of one service, as they are now. `base` is that of the file."""

    def __init__(self, base: World, overlays: Iterable[Overlay] = ()) -> None:
        self.base = base
        self._base_above = _ancestors(base.domains)
        self._overlays: dict[str, Overlay] = {}
        self._owners: dict[str, World] = {}  # of the overlays' domains
        self._above: dict[str, dict[str, None]] = {}  # the overlays' domains below a name
        self._limited = 0  # overlays that have quotas
        for overlay in overlays:
            self.put(overlay)

    # -- whose something is -------------------------------------------------------------------------------------

    @property
    def overlays(self) -> Mapping[str, Overlay]:
        """All overlays, by ID, in the order in which they came."""
        return self._overlays

    @property
    def limits(self) -> bool:
        """Whether any overlay has a quota."""
        return self._limited > 0

    def every(self) -> Iterator[World]:
        """Yield all worlds, the file's first."""
        yield self.base
        yield from (overlay.world for overlay in list(self._overlays.values()))

    def world(self, ident: str) -> World | None:
        """Return the world with an ID, or None."""
        if ident == DEFAULT_WORLD:
            return self.base
        overlay = self._overlays.get(ident)
        return None if overlay is None else overlay.world

    def world_of_domain(self, domain: str) -> World:
        """Return the world of a domain in any spelling; the file's, if nobody has it."""
        if not self._owners:
            return self.base
        try:
            return self._owners.get(domain_key(domain), self.base)
        except AddressError:  # an address literal, for example
            return self.base

    def world_of(self, address: Address) -> World:
        """Return the world of an address; the file's, if nobody has its domain."""
        return self.world_of_domain(address.domain)

    def world_of_login(self, login: str) -> World:
        """Return the world of an account by its login, in any spelling."""
        return self.world_of_domain(login.rpartition("@")[2])

    def world_of_user(self, user: str) -> World | None:
        """Return the world that the name of AUTH decides: its ID, or the login of an account; else None."""
        overlay = self._overlays.get(user)
        if overlay is not None:
            return overlay.world
        world = self.world_of_login(user)
        return None if world.account(user) is None else world

    def fellows(self, login: str, other: str) -> bool:
        """Whether two logins are of the same world."""
        return self.world_of_login(login) is self.world_of_login(other)

    def account(self, login: str) -> Account | None:
        """Return the account with this login name in any spelling, of whichever world, or None."""
        return self.world_of_login(login).account(login)

    # -- what a realm asks (`realm.AccountRealm`) ---------------------------------------------------------------

    @property
    def forms(self) -> frozenset[str]:
        """The forms of the accounts' secrets."""
        return self.base.forms | _PLAIN if self._overlays else self.base.forms

    @property
    def administrators(self) -> frozenset[str]:
        """The logins of those who may act as any account of the world file's."""
        return self.base.administrators

    @property
    def tokens(self) -> Mapping[str, Grant]:
        """The tokens that the world file lists."""
        return self.base.tokens

    # -- changes ------------------------------------------------------------------------------------------------

    def check(self, overlay: Overlay) -> None:
        """Raise `TakenError` if a domain of an overlay is not free for it."""
        for domain in overlay.world.domains:
            for taken in self._clashes(domain):
                owner = self._owners.get(taken)
                if owner is None:
                    raise TakenError(domain, taken, DEFAULT_WORLD)
                if owner.id != overlay.id:
                    raise TakenError(domain, taken, owner.id)

    def _clashes(self, domain: str) -> Iterator[str]:
        """Yield the domains that exist and are the same as this one, above it, or below it."""
        for name in upwards(domain):
            if name in self._owners or name in self.base.domains:
                yield name
        yield from self._above.get(domain, ())
        if domain in self._base_above:
            yield self._base_above[domain]

    def put(self, overlay: Overlay) -> Overlay | None:
        """Take in an overlay, in place of the one that has the same ID, which is returned; raises `TakenError`."""
        self.check(overlay)
        before = self.drop(overlay.id)
        self._overlays[overlay.id] = overlay
        self._limited += overlay.limits
        for domain in overlay.world.domains:
            self._owners[domain] = overlay.world
            for name in above(domain):
                self._above.setdefault(name, {})[domain] = None
        return before

    def drop(self, ident: str) -> Overlay | None:
        """Forget an overlay, and return it; None if there is none with this ID."""
        overlay = self._overlays.pop(ident, None)
        if overlay is None:
            return None
        self._limited -= overlay.limits
        for domain in overlay.world.domains:
            del self._owners[domain]
            for name in above(domain):
                below = self._above[name]
                del below[domain]
                if not below:
                    del self._above[name]
        return overlay

    def refusals(self, base: World) -> list[str]:
        """Return why another world file can't be taken up: it has domains that overlays have."""
        ancestors = _ancestors(base.domains)
        sentences = []
        for domain, owner in list(self._owners.items()):  # perhaps in another thread
            taken = next((name for name in upwards(domain) if name in base.domains), ancestors.get(domain))
            if taken is not None:
                sentences.append(str(TakenError(taken, domain, owner.id)))
        return sentences

    def adopt(self, base: World) -> None:
        """Take up another world file, which has no `refusals`; overlays get its network and hosts."""
        moved = base.network != self.base.network or base.hosts != self.base.hosts
        self.base = base
        self._base_above = _ancestors(base.domains)
        if moved:
            for overlay in list(self._overlays.values()):
                self.put(overlay.over(base))


def _ancestors(domains: Iterable[str]) -> dict[str, str]:
    """Return the names above domains, each with one domain below it."""
    return {name: domain for domain in domains for name in above(domain)}
