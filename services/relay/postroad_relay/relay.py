"""The relay put together: spool, resolver, courier, manager and SMTP receiver, for one world at a time."""

from __future__ import annotations

import asyncio
import math
import random
from ipaddress import ip_address
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.control.door import Door
from postroad.control.search import search_route
from postroad.control.token import find_key, find_token
from postroad.control.worlds import world_routes
from postroad.greenmail import LOCALHOST, PORTS, SMTP, SMTPS
from postroad.journal import Journal
from postroad.sasl.login import LOGIN
from postroad.sasl.plain import PLAIN
from postroad.sasl.server import UNCHECKED, Sasl
from postroad.sasl.settings import nonce, sasl_of
from postroad.smtp.extensions import EXTENSIONS, offered_by
from postroad.smtp.extensions.world import world_extension
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.server import serve
from postroad.smtp.server.service import Limits, Listener, Purpose
from postroad.transcript.door import session_routes
from postroad.transcript.recorder import recorder_of
from postroad.world.guesses import Guesses
from postroad.world.layers import Layers
from postroad.world.mark import Marks
from postroad.world.overlay_log import OverlayLog
from postroad.world.overlays import Overlays
from postroad.world.realm import AccountRealm
from postroad.world.source import WorldFile
from postroad.world.watcher import WorldWatcher
from postroad.world.world import DEFAULT_WORLD, MX, Role
from postroad_relay.control.routes import routes
from postroad_relay.control.snapshots import SnapshotRoutes
from postroad_relay.delivery.courier import Courier
from postroad_relay.delivery.resolver import Resolver
from postroad_relay.delivery.router import Router
from postroad_relay.delivery.routing import Route, Target
from postroad_relay.delivery.strangers import stranger_route
from postroad_relay.dsn.report import Reporter
from postroad_relay.queue.administration import Administration
from postroad_relay.queue.manager import Manager
from postroad_relay.queue.schedule import Schedule
from postroad_relay.queue.snapshots import QueueSnapshots
from postroad_relay.queue.spool import Spool
from postroad_relay.queue.spool.kept import KeptQueues
from postroad_relay.submission.policy import Policy
from postroad_relay.submission.portusers import PortUsers
from postroad_relay.submission.service import RelayService
from postroad_relay.submission.storelogins import StoreLogins
from postroad_relay.submission.worldports import WorldPorts

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from postroad.config import Settings
    from postroad.smtp.server.server import Server
    from postroad.tap import Tap
    from postroad.world.overlay import Overlay
    from postroad.world.world import World
    from postroad_relay.queue.spool import Entry


class Relay:
    """One relay process, with one world at a time. All its times come from `clock`."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        *,
        server_tls: ssl.SSLContext | None,
        client_tls: ssl.SSLContext | None,
        client_certificates: ssl.SSLContext | None = None,
        end_point: bytes | None = None,
        clock: Clock | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._clock = clock = clock or Clock()
        self.recorder = recorder_of(settings, clock)
        # It hears every session, of clients and with servers.
        self._tap = tap = tap or (self.recorder if settings.transcripts else None)
        self._settings = settings
        self._extensions = offered_by(settings)
        self._world = world  # that it starts in
        self.layers = Layers(world)
        self._server_tls = server_tls
        self._client_certificates = client_certificates
        self._end_point = end_point
        self._server: Server | None = None
        self._door: Door | None = None
        self._watcher: asyncio.Task[None] | None = None
        host = world.host_of(Role.RELAY)
        self.hostname = host.name
        self._key = find_key(settings.control_dir)
        self._sasl = self._mechanisms()
        self._limits = Limits(
            message_size=settings.message_size,
            recipients=settings.recipients,
            connections=settings.connections,
            connections_per_address=settings.connections,  # a sandbox's clients share few addresses
        )
        self._address = str(host.address)
        self.journal = Journal(settings.journal_dir, service="relay", clock=clock)
        self.spool = Spool(settings.spool_dir, clock=clock, journal=self.journal)
        self.overlays = Overlays(self.layers, OverlayLog(settings.spool_dir / "worlds"))
        self._resolver = Resolver(str(world.host_of(Role.DNS).address), settings.dns_port, clock=clock)
        extensions = (*EXTENSIONS, world_extension(self._key))
        self._courier = Courier(host.name, settings.smtp_port, client_tls, clock=clock, tap=tap, extensions=extensions)
        self.manager = Manager(
            self.spool,
            router=self._router(world),
            courier=self._courier,
            schedule=Schedule(settings.retry, settings.expiry, settings.delay_notice or math.inf),
            journal=self.journal,
            reporter=Reporter(host.name, world.postmaster_of(host.name)),
            clock=clock,
        )
        self._administration = Administration(self.manager)
        kept = KeptQueues(settings.spool_dir)
        self.snapshots = QueueSnapshots(
            self.manager,
            kept,
            last=lambda: self.journal.last,
            exists=lambda ident: self.layers.world(ident) is not None,
        )
        self._service = RelayService(
            self._policy(world),
            self.spool,
            self.manager,
            self.journal,
            hostname=host.name,
            guesses=Guesses(clock),
            most_queued=settings.queue,
            clock=clock,
            layers=self.layers,
            logins=self._store_logins(client_tls),
        )
        self._ports = WorldPorts(self.layers, settings.front, self._profile_at_port, clock)
        self.overlays.gone, self.overlays.hold = self._gone, self._ports.hold
        self.overlays.touched = self._resolver.forget
        self._marks = Marks(self._key)
        self._resolver.mark_of = self._mark_of
        self.manager.strangers = lambda world, domain: stranger_route(self.layers, world, domain, settings.outside)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The listeners, with the ports that were bound."""
        return self._server.listeners if self._server is not None else ()

    async def start(self) -> None:
        """Take up the queue and listen; raises `OSError` if a port can't be bound."""
        settings = self._settings
        # Before `serve`, which may serve clients before it returns: their mail is taken up by the service.
        queued = self._of_living_worlds()
        await self.snapshots.start()
        address = settings.listen or self._address
        listeners = [
            Listener(settings.front, settings.app_port, Purpose.APP, starttls=settings.app_starttls),
            Listener(address, settings.smtp_port, Purpose.TRANSFER),
            Listener(address, settings.submission_port, Purpose.SUBMISSION),
        ]
        if self._server_tls is not None:
            listeners.append(Listener(address, settings.submissions_port, Purpose.SUBMISSIONS))
        listeners += self._greenmail()
        self._server = await serve(
            self._service,
            listeners,
            hostname=self.hostname,
            content_directory=self.spool.incoming,
            extensions=self._extensions,
            limits=self._limits,
            tls=self._server_tls,
            client_certificates=self._client_certificates,
            end_point=self._end_point,
            sasl=self._sasl,
            clock=self._clock,
            tap=self._tap,
            shaping=self._service.shaping,
            postmaster=self.manager.outcomes.reporter.postmaster,
            before_replies=self.journal.flush,
        )
        await self._ports.start(self._server, self._client_certificates or self._server_tls)
        self.manager.start(queued)
        self._door = await self._open_door()
        source = WorldFile(settings.world, settings.network, settings.capturing)
        watcher = WorldWatcher(source, self._world, refusals=self.layers.refusals)
        self._watcher = asyncio.create_task(watcher.run(self.change))

    def _greenmail(self) -> list[Listener]:
        """Return GreenMail's ports, which are app doors, the second one over TLS."""
        front, habits = self._settings.front, self._settings.habits
        if habits is None:
            return []
        realm = AccountRealm(self.layers.account, lambda: self.layers, key=self._key, clock=self._clock)
        mechanisms = UNCHECKED if habits.auth_disabled else (PLAIN, LOGIN)
        logins = Sasl("smtp", realm, mechanisms, hostname=self.hostname, nonce=nonce, plaintext_auth=True)
        listeners = []
        if "smtp" in habits.ports:
            smtp = Listener(front, SMTP, Purpose.APP, starttls=False, logins=logins, missing_domain=LOCALHOST)
            listeners.append(smtp)
        if "smtps" in habits.ports and self._server_tls is not None:
            listeners.append(Listener(front, SMTPS, Purpose.APP, tls=True, logins=logins, missing_domain=LOCALHOST))
        return listeners

    def _store_logins(self, tls: ssl.SSLContext | None) -> StoreLogins | None:
        """Return what checks the logins at GreenMail's ports; None if any will do and no port of IMAP makes users."""
        settings, habits = self._settings, self._settings.habits
        if habits is None or not habits.auth_disabled:
            return StoreLogins(lambda: (self._store_address(), settings.imaps_port), tls)
        name = next((name for name in ("imap", "imaps") if name in habits.ports), None)
        if name is None:
            return None
        # The store has GreenMail's ports at the address of the app door, which is all addresses in containers.
        everywhere = ip_address(settings.front).is_unspecified
        where = lambda: (self._store_address() if everywhere else settings.front, PORTS[name])  # noqa: E731
        return StoreLogins(where, tls if name == "imaps" else None, takes_anyone=True)

    def _store_address(self) -> str:
        return str(self.layers.base.host_of(Role.STORE).address)

    def _mechanisms(self) -> Mapping[Purpose, Sasl]:
        """Return the mechanisms of AUTH; raises `ConfigError`."""
        settings = self._settings
        realm = AccountRealm(self.layers.account, lambda: self.layers, key=self._key, clock=self._clock)
        checked = sasl_of(settings, "smtp", realm, self.hostname)
        unchecked = Sasl("smtp", realm, UNCHECKED, hostname=checked.hostname, nonce=nonce, plaintext_auth=True)
        return {Purpose.SUBMISSION: checked, Purpose.SUBMISSIONS: checked, Purpose.APP: unchecked}

    def _profile_at_port(self, world: str) -> Profile:
        """Return the profile of a world's own port: an app door at which logins are checked, if there are any."""
        settings = self._settings
        users = PortUsers(self.layers, world)
        realm = AccountRealm(users.account, lambda: users, key=self._key, clock=self._clock)
        return Profile(
            hostname=self.hostname,
            limits=self._limits,
            postmaster=self.manager.outcomes.reporter.postmaster,
            extensions=self._extensions,
            starttls=self._server_tls is not None and settings.app_starttls,
            sasl=sasl_of(settings, "smtp", realm, self.hostname, plaintext_auth=True),
            world=world,
        )

    def change(self, world: World) -> None:
        """Change to another world. The relay's own name and address stay until the next start."""
        self.layers.adopt(world)
        dns = world.host_of(Role.DNS)
        self._resolver.server = str(dns.address)
        self._resolver.clear()
        self.manager.router = self._router(world)
        self.manager.outcomes.reporter = Reporter(self.hostname, world.postmaster_of(self.hostname))
        self._service.policy = self._policy(world)

    async def stop(self) -> None:
        """Finish the attempts that are under way, within about a second, and close; the queue stays on disk."""
        if self._watcher is not None:
            self._watcher.cancel()
        self._ports.stop()
        if self._server is not None:
            await self._server.close()
        if self._door is not None:
            await self._door.close()
        await self.manager.close()
        self._courier.close()
        self.spool.close()
        self.overlays.log.close()
        self.journal.close()

    async def _open_door(self) -> Door | None:
        """Open the control door, if there is a token for it; raises `OSError` if its port can't be bound."""
        token = find_token(self._settings.control_dir)
        if token is None:
            return None
        rooms = [
            *routes(self._administration, self.manager, self._service, self.journal, self._sessions),
            *SnapshotRoutes(self.snapshots).routes,
            *session_routes(self.recorder),
            search_route(self._settings.journal_dir),
            *world_routes(self.overlays),
        ]
        door = Door(rooms, token=token, clock=self._clock)
        await door.start(self._address, self._settings.control_port)
        return door

    def _of_living_worlds(self) -> list[Entry]:
        """Return the queued messages without those of worlds that were dropped as the process ended."""
        entries = self.spool.entries()
        left = [entry for entry in entries if entry.world != DEFAULT_WORLD and entry.world not in self.overlays.log]
        for entry in left:
            self.spool.finish(entry)
        dropped = {entry.queue_id for entry in left}
        return [entry for entry in entries if entry.queue_id not in dropped]

    async def _gone(self, overlay: Overlay) -> None:
        """Take all mail of a world that was dropped out of the queue, whatever is being done with it."""
        await self._service.arriving.none_left(overlay.id)
        await self.snapshots.none_under_way(overlay.id)
        while self.spool.of_world(overlay.id):
            await self._administration.purge(overlay.id)
        await self.spool.dead.clear(overlay.id)
        self._service.faults.drop(overlay.id)
        await self.snapshots.forget(overlay.id)
        self.recorder.drop_world(overlay.id)

    def _mark_of(self, world: str, name: str) -> str | None:
        """Return the mark of a world whose mail asks about a name, unless the name says that it is this world."""
        return self._marks.mark_of(world) if self.layers.world_of_domain(name).id != world else None

    def _sessions(self) -> Iterable[Purpose]:
        return self._server.purposes if self._server is not None else ()

    def _policy(self, world: World) -> Policy:
        settings = self._settings
        return Policy(world, settings.sender_check, settings.unknown_users, settings.trusted_networks)

    def _router(self, world: World) -> Router:
        host = world.host_of(Role.RELAY)
        return Router(
            self._resolver,
            shuffle=random.shuffle,
            own_names=frozenset({self.hostname, host.name}),
            own_addresses=frozenset({host.address}),
            network=world.network,
            fixed=self._greenmail_routes(world),
        )

    def _greenmail_routes(self, world: World) -> dict[str, Route]:
        """Return the route of the domain that GreenMail's users have without another: anywhere else it is the relay."""
        if not self._settings.greenmail:
            return {}
        store = world.host_of(Role.STORE)
        return {LOCALHOST: Route((Target(store.name, store.address),), (MX(0, store.name),))}
