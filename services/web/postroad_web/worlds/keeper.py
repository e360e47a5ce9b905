"""The keeper of worlds: makes them, changes them, drops them, in dns, relay and store, and lets them expire.

Its database is the truth. A world is in it before anybody is told of the world, and one that is dropped stays in it
until every service has said that nothing is left. What a service has and the database has not is no world, and goes.
So whatever is killed, what was begun is brought to its end: `mend` does that when the web service starts, and whenever
a service comes back.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorAway, DoorRefused, quote_path
from postroad.world.layers import Layers, TakenError
from postroad.world.overlay import OverlayError, read_overlay
from postroad.world.world import DEFAULT_WORLD
from postroad_web.worlds.changes import Changes
from postroad_web.worlds.doors import Doors
from postroad_web.worlds.ends import Ends
from postroad_web.worlds.made import Made
from postroad_web.worlds.plan import further, plan
from postroad_web.worlds.ports import Ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from postroad.clock import Clock
    from postroad.config import Settings
    from postroad.control.client import DoorClient
    from postroad.world.overlay import Overlay
    from postroad.world.world import World
    from postroad_web.worlds.database import Database

_log = logging.getLogger(__name__)

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"  # base32 (RFC 4648 §6), in lower case
AGAIN = 1.0  # seconds until a service that was away is asked again
_SECRET = 12  # octets of a password that is drawn


class NoSuchWorld(Exception):  # noqa: N818 - an outcome, as the caller sees it
    """There is no world with this ID."""


class NoSuchPort(Exception):  # noqa: N818 - as above
    """The world does not have this port."""


class Beyond(Exception):  # noqa: N818 - as above
    """A limit does not allow this; the sentence names the setting."""


class Taken(Exception):  # noqa: N818 - as above
    """An ID or a domain is another world's, `world`."""

    def __init__(self, sentence: str, world: str) -> None:
        super().__init__(sentence)
        self.world = world


class Unwritable(Exception):  # noqa: N818 - as above
    """The worlds' database can't be written."""


class Keeper:
    """All worlds (`catalog.worlds.Worlds`); `forget` is called with the IDs of worlds that no service has any more."""

    def __init__(self, database: Database, base: World, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._layers = Layers(base)
        self._worlds: dict[str, Made] = {}  # all that are not forgotten yet
        self._in_force: dict[str, Made] = {}
        self._ports = Ports(settings.world_ports)
        self._changes = Changes()
        self._doors: Doors  # from `served_by` on
        self.forget: Callable[[Sequence[str]], Awaitable[None]] = _nothing
        self._ends = Ends(clock)
        for kept in database.all():
            self._worlds[kept.id] = kept
            self._ports.take(kept.id, kept.ports)
            try:
                self._layers.put(self._read(kept.definition))
            except (OverlayError, TakenError) as error:
                _log.error("the world %s is not in force: %s", kept.id, error)
                continue
            if not kept.dropping:
                self._in_force[kept.id] = kept
                self._ends.add(kept.expires, kept.id)

    # -- `Worlds`: any thread may ask ---------------------------------------------------------------------------

    def begun(self, world: str) -> float | None:
        """Return when a world was made, in seconds since the epoch; None: there is no world with this ID."""
        if world == DEFAULT_WORLD:
            return 0.0
        kept = self._in_force.get(world)
        return None if kept is None else kept.created

    def password(self, world: str) -> str | None:
        """Return the password of a world's app user; None: there is no such user."""
        kept = self._in_force.get(world)
        return None if kept is None else kept.app_password

    def of_domain(self, domain: str) -> str:
        """Return the ID of the world that has a domain; the default world's, if none has."""
        return self._layers.world_of_domain(domain).id

    def made(self, world: str) -> World | None:
        """Return a world that is not the file's."""
        return self._layers.world(world) if world in self._in_force else None

    def others(self) -> Iterable[str]:
        """Return the IDs of all worlds but the default, in the order in which they were made."""
        return list(self._in_force)

    def get(self, world: str) -> Made:
        """Return a world that the API has made; raises `NoSuchWorld`."""
        kept = self._in_force.get(world)
        if kept is None:
            raise NoSuchWorld(world)
        return kept

    # -- changes ------------------------------------------------------------------------------------------------

    def served_by(self, dns: DoorClient, relay: DoorClient, store: DoorClient) -> None:
        """Keep the worlds of these services."""
        self._doors = Doors(dns, relay, store)

    async def make(self, asked: Mapping[str, Any]) -> Made:
        """Make a world; raises `OverlayError`, `Taken`, `Beyond`, `Unwritable`, `DoorAway`, `DoorRefused`."""
        if len(self._worlds) >= self._settings.worlds:
            raise Beyond(f"There are {len(self._worlds)} worlds, as many as POSTROAD_WORLDS allows")
        ident = asked.get("id") or self._new_id()
        if ident in self._worlds or ident == DEFAULT_WORLD:
            raise Taken(f"The ID {ident} is taken", ident)
        now = self._clock.now()
        ttl = asked.get("ttl")
        world = Made(plan(asked, ident, _secret), now, None if ttl is None else now + ttl, asked.get("password"))
        self._check_size(world)
        overlay = self._read(world.definition)
        try:
            self._layers.put(overlay)
        except TakenError as error:
            raise Taken(str(error), error.world) from None
        self._worlds[ident] = world
        self._changes.begin(ident)
        try:
            # At the same time: if this process is killed, the services lose what it does not know.
            kept, put = await asyncio.gather(self._keep(world), self._doors.put(world), return_exceptions=True)
            for failure in filter(None, (kept, put)):
                raise failure
        except (DoorAway, DoorRefused, Unwritable):
            self._worlds[ident] = replace(world, dropping=True)
            self._changes.end(ident)
            await self._undo(ident)
            raise
        self._changes.end(ident)
        self._in_force[ident] = world
        self._ends.add(world.expires, world.id)
        return world

    async def add_account(
        self, ident: str, domain: str | None, asked: Mapping[str, Any]
    ) -> tuple[Made, str, dict[str, Any]]:
        """Add an account; return the world, the domain, and the account as it is defined.

        Raises `NoSuchDomain`, and what `make` raises; fields are those of the account.
        """
        async with self._changes.turn([ident]):
            world = self.get(ident)
            more = further(world.definition, asked, domain, world.password, _secret)
            try:
                changed = await self._change(replace(world, definition=more.definition))
            except OverlayError as error:
                raise more.told(error) from None
            return changed, more.domain, more.account

    async def open_port(self, ident: str, wanted: int | None = None) -> int:
        """Open a port of the relay for a world, this one or any that is free; return it. Raises as `make` does."""
        tried: set[int] = set()
        async with self._changes.turn([ident]):
            world = self.get(ident)
            if len(world.ports) >= self._settings.ports_per_world:
                raise Beyond(
                    f"The world {ident} has {len(world.ports)} ports, as many as POSTROAD_PORTS_PER_WORLD allows"
                )
            while True:
                port = self._ports.free(tried) if wanted is None else wanted
                if port is None:
                    raise Beyond(f"None of the {len(self._ports.range)} ports of POSTROAD_WORLD_PORTS is free")
                owner = self._ports.owner(port)
                if owner is not None:
                    raise Taken(f"The port {port} is the world {owner}'s", owner)
                self._ports.take(ident, [port])
                try:
                    await self._change(replace(world, definition={**world.definition, "ports": [*world.ports, port]}))
                except DoorRefused as refused:
                    self._ports.give_back([port])
                    if refused.status != 409 or wanted is not None:
                        raise
                    tried.add(port)  # another program has it
                except Exception:
                    self._ports.give_back([port])
                    raise
                else:
                    return port

    async def close_port(self, ident: str, port: int) -> None:
        """Close a port of a world; raises `NoSuchPort`, and what `make` raises."""
        async with self._changes.turn([ident]):
            world = self.get(ident)
            if port not in world.ports:
                raise NoSuchPort(port)
            left = [other for other in world.ports if other != port]
            await self._change(replace(world, definition={**world.definition, "ports": left}))
            self._ports.give_back([port])

    async def change(self, ident: str, asked: Mapping[str, Any]) -> Made:
        """Change the owner, the time to live from now, or what IMAP hides. Raises as `make` does."""
        async with self._changes.turn([ident]):
            world = self.get(ident)
            definition = {**world.definition, **{key: asked[key] for key in ("owner", "imap_without") if key in asked}}
            expires = world.expires
            if "ttl" in asked:
                expires = None if asked["ttl"] is None else self._clock.now() + asked["ttl"]
            return await self._change(replace(world, definition=definition, expires=expires))

    async def _change(self, world: Made) -> Made:
        """Bring a world into force as it is to be; it is this change's turn."""
        before = self.get(world.id)
        self._check_size(world)
        overlay = self._read(world.definition)
        await self._keep(world)
        try:
            if world.definition != before.definition:
                await self._doors.put(world)
        except (DoorAway, DoorRefused):
            await self._keep(before)
            with suppress(DoorAway, DoorRefused):  # `mend` does it then
                await self._doors.put(before)
            raise
        self._layers.put(overlay)
        self._worlds[world.id] = self._in_force[world.id] = world
        self._ends.add(world.expires, world.id)
        return world

    async def drop(self, *idents: str) -> None:
        """Drop worlds with all that is in them; raises `NoSuchWorld` if there is none, and what `make` raises.

        Several that go together cost little more than one: they share every commit on the way.
        """
        async with self._changes.turn(idents):
            here = [world for ident in dict.fromkeys(idents) if (world := self._in_force.get(ident)) is not None]
            if not here:
                raise NoSuchWorld(idents[0])
            going = [replace(world, dropping=True) for world in here]
            await asyncio.gather(*map(self._keep, going))
            for world in going:
                self._worlds[world.id] = world
                self._in_force.pop(world.id, None)
            await self._clear([world.id for world in going])

    async def _clear(self, idents: Sequence[str]) -> None:
        """Have every service drop worlds, and forget them then."""
        await self._doors.drop(idents)
        await self.forget(idents)
        try:
            await asyncio.gather(*map(self._database.forget, idents))
        except sqlite3.Error as error:
            raise Unwritable(str(error)) from error
        for ident in idents:
            gone = self._worlds.pop(ident, None)
            self._layers.drop(ident)
            if gone is not None:
                self._ports.give_back(gone.ports)

    async def _undo(self, ident: str) -> None:
        """Drop what there is of a world that could not be made; what can't be dropped now is dropped later."""
        try:
            await self._keep(self._worlds[ident])
            await self._clear([ident])
        except (DoorAway, DoorRefused, Unwritable) as error:
            _log.warning("the world %s is dropped later: %s", ident, error)

    def _read(self, definition: Mapping[str, Any]) -> Overlay:
        return read_overlay(definition, self._layers.base)

    def _check_size(self, world: Made) -> None:
        settings = self._settings
        if world.accounts > settings.world_accounts:
            raise Beyond(f"A world has at most {settings.world_accounts} accounts (POSTROAD_WORLD_ACCOUNTS)")
        if world.size > settings.world_size:
            raise Beyond(f"The definition of a world has at most {settings.world_size} octets (POSTROAD_WORLD_SIZE)")

    def _new_id(self) -> str:
        while True:
            ident = "w" + "".join([_LETTERS[octet & 31] for octet in secrets.token_bytes(8)])
            if ident not in self._worlds:
                return ident

    async def _keep(self, world: Made) -> None:
        try:
            await self._database.put(world)
        except (sqlite3.Error, OSError) as error:
            raise Unwritable(str(error)) from error

    # -- in the background --------------------------------------------------------------------------------------

    async def expire(self) -> None:
        """Drop worlds when their time is over, for ever."""
        while True:
            for when, ident in self._ends.due():
                world = self._in_force.get(ident)
                if world is None or world.expires != when:
                    continue  # it was dropped, or has more time now
                try:
                    await self.drop(ident)
                except NoSuchWorld:
                    pass  # somebody has dropped it meanwhile
                except (DoorAway, DoorRefused, Unwritable) as error:
                    _log.warning("the world %s is dropped later: %s", ident, error)
                else:
                    _log.info("the world %s has expired", ident)
            await self._ends.wait()

    async def mend(self) -> None:
        """Bring services up to date that may have missed something, and worlds to their end, for ever."""
        while True:
            for ident in [world.id for world in self._worlds.values() if world.dropping]:
                if ident in self._changes.busy:
                    continue
                self._changes.begin(ident)
                try:
                    await self._clear([ident])
                except (DoorAway, DoorRefused, Unwritable):
                    pass  # it is tried again
                finally:
                    self._changes.end(ident)
            for door in self._doors:
                try:
                    await self._compare(door)
                except (DoorAway, DoorRefused):
                    self._doors.unsure.add(door)
            await self._clock.sleep(AGAIN)

    async def _compare(self, door: DoorClient) -> None:
        """Give a service the worlds that it lacks or has otherwise, and take those away that are not ours."""
        changes, begun = self._changes, self._changes.begun
        changes.touched = set(changes.busy)
        difference = abs((await door.get("/worlds/count"))["count"] - len(self._worlds))
        if door not in self._doors.unsure and difference <= len(changes.busy) + changes.begun - begun:
            return  # most often, and cheap: what is missing is on its way
        self._doors.unsure.discard(door)
        has: dict[str, str] = (await door.get("/worlds"))["worlds"]
        for ident, world in list(self._in_force.items()):
            overlay = self._layers.overlays.get(ident)
            if overlay is None or has.get(ident) == overlay.digest:
                continue
            if ident not in changes.touched:
                await self._doors.put_again(door, world)
            if ident in changes.touched:  # it may be as it should be by now, or no longer be so
                self._doors.unsure.add(door)
        for ident in has.keys() - self._worlds.keys():
            if ident not in changes.touched:
                _log.warning("the world %s is dropped in %s: nobody has made it", ident, door.service)
                await door.delete(quote_path("worlds", ident))

    def adopt(self, base: World) -> bool:
        """Take up another world file, unless it has a domain of a world that was made; return whether it is so."""
        refusals = self._layers.refusals(base)
        for sentence in refusals:
            _log.error("world refused: %s", sentence)
        if not refusals:
            self._layers.adopt(base)
        return not refusals


async def _nothing(_worlds: Sequence[str]) -> None:
    """Do nothing."""


def _secret() -> str:
    return secrets.token_urlsafe(_SECRET)
