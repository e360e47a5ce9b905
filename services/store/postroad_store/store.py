"""The store put together: mail, accounts, delivery, POP3 and IMAP, for one world at a time and by one clock."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from postroad.clock import Clock
from postroad.config import ConfigError
from postroad.control.door import Door
from postroad.control.search import search_route
from postroad.control.token import find_key, find_token
from postroad.control.worlds import world_routes
from postroad.greenmail import PORTS
from postroad.journal.refusals import Refusals
from postroad.mail.trace_fields import ROOM
from postroad.sasl.settings import asks_for_certificates, sasl_of
from postroad.smtp.extensions import offered_by
from postroad.smtp.extensions.world import world_extension
from postroad.smtp.server.server import serve
from postroad.smtp.server.service import Limits
from postroad.smtp.server.service import Listener as SmtpListener
from postroad.smtp.server.service import Purpose as SmtpPurpose
from postroad.tls import server_context
from postroad.transcript.door import session_routes
from postroad.transcript.recorder import recorder_of
from postroad.world.guesses import Guesses
from postroad.world.layers import Layers
from postroad.world.overlay_log import OverlayLog
from postroad.world.overlays import Overlays
from postroad.world.realm import AccountRealm
from postroad.world.source import WorldFile
from postroad.world.watcher import WorldWatcher
from postroad.world.world import Role
from postroad_store import scripting
from postroad_store.accounts import Accounts
from postroad_store.chronicle import Chronicle
from postroad_store.control.mail import Mail
from postroad_store.control.reading import Reading
from postroad_store.control.routes import routes
from postroad_store.delivery.postman import Postman, app_door
from postroad_store.delivery.service import Delivery
from postroad_store.greenmail.control import UserRoutes
from postroad_store.greenmail.habits import HabitualAccounts, sasl_at_ports
from postroad_store.greenmail.ledger import Ledger
from postroad_store.greenmail.preload import Preload
from postroad_store.imap import shared as imap
from postroad_store.imap.extensions import MESSAGELIMIT, SAVELIMIT
from postroad_store.imap.registry import CannotAsk, CannotHide, Registry
from postroad_store.mail.database.listing import Listing
from postroad_store.mail.storage import Storage
from postroad_store.notes import Notes
from postroad_store.pop3 import capabilities
from postroad_store.pop3 import shared as pop3
from postroad_store.protocol.contract import Farewell
from postroad_store.protocol.listener import Listener
from postroad_store.protocol.reactor import reactor_on
from postroad_store.protocol.service import Service
from postroad_store.protocol.tls import ServerTls
from postroad_store.scripting import Scripting

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad.config import Settings
    from postroad.greenmail import Habits
    from postroad.sasl.server import Sasl
    from postroad.smtp.server.server import Server
    from postroad.tap import Tap
    from postroad.world.overlay import Overlay
    from postroad.world.world import World
    from postroad_store.protocol.contract import Session

log = logging.getLogger(__name__)

SERVICE = "store"


class Store:
    """One store process. `start` listens, `stop` ends it.

    All timers and timestamps go by `clock`; `tap` hears every session.
    """

    def __init__(self, settings: Settings, world: World, *, clock: Clock | None = None, tap: Tap | None = None) -> None:
        """Open the mail and the journal; raises `StorageError`, `TlsError`, `ConfigError`."""
        self._settings = settings
        self._extensions = offered_by(settings)
        self._registry = _commands(settings)
        self._pop3_offer = _pop3_offer(settings)
        self._world = world  # at the start
        self._clock = clock or Clock()
        self.recorder = recorder_of(settings, self._clock)
        self._tap = tap or (self.recorder if settings.transcripts else None)
        self.host = settings.listen or str(world.host_of(Role.STORE).address)
        self._smtp_tls = server_context(settings.tls_dir)
        self._twisted_tls = ServerTls(settings.tls_dir, asks=asks_for_certificates(settings))
        self._layers = Layers(world)
        self._journal = Chronicle(settings.journal_dir, self._layers, service=SERVICE, clock=self._clock)
        self._storage = Storage(settings.mail_dir, clock=self._clock, journal=self._journal)
        self._overlays = Overlays(
            self._layers, OverlayLog(settings.mail_dir / "worlds"), why_not_hide=self._registry.why_not_hide
        )
        self._overlays.gone = self._gone
        self._refusals = Refusals(self._journal, self._clock)
        self._incoming = _incoming(settings.mail_dir)
        self._postman: Postman | None = None
        self._ledger = Ledger(settings.mail_dir)
        guesses, users = Guesses(self._clock), self._ledger.load(settings.habits)
        self._accounts = Accounts(self._layers, settings, guesses, users)
        self._habitual = HabitualAccounts(self._layers, settings, guesses, users)
        self._realm = realm = AccountRealm(
            self._accounts.find,
            lambda: self._layers,
            key=find_key(settings.control_dir),
            clock=self._clock,
            created=self._accounts.creates or settings.greenmail,
        )
        hostname = world.host_of(Role.STORE).name
        self._sasl = {service: sasl_of(settings, service, realm, hostname) for service in ("pop", "imap", "sieve")}
        self._storage.quotas.allowed = self._accounts.quota
        self._storage.quotas.limits = self._accounts.has_quotas
        self._storage.may_exist = self._accounts.may_exist
        self._storage.sharing.fellows = self._layers.fellows
        self._scripting = Scripting(
            settings,
            self._accounts,
            self._storage,
            self._refusals,
            sasl=self._sasl["sieve"],
            hostname=hostname,
            everybody=settings.world.parent / "sieve",
        )
        habits = settings.habits
        preload = Path(habits.preload) if habits is not None and habits.preload is not None else None
        self._preload = Preload(preload, self._accounts, self._storage, self._clock)
        self._locked: set[str] = set()  # maildrops
        self._listeners: list[Listener] = []
        self._server: Server | None = None
        self._watching: asyncio.Task[None] | None = None
        self._reading = Reading(settings.mail_dir)  # for the control door
        self._door: Door | None = None

    async def start(self) -> None:
        """Listen; raises `OSError` or `CannotListenError` if a port can't be bound."""
        settings = self._settings
        self._watching = asyncio.create_task(
            WorldWatcher(world_of(settings), self._world, refusals=self._layers.refusals).run(self._adopt)
        )
        await self._preload.load()
        self._listen(self._pop3(), settings.pop3_port, settings.pop3s_port)
        self._listen(self._imap(), settings.imap_port, settings.imaps_port)
        self._listen(self._managesieve(), settings.sieve_port)
        if settings.habits is not None:
            self._listen_as_greenmail(settings.habits)
        self._server = await self._serve_smtp()
        self._door = await self._open_door()
        self._postman = Postman(self._storage.outbox, lambda: app_door(settings, self._accounts.world), self._clock)
        self._postman.start()

    async def stop(self) -> None:
        """Finish work that is under way, within about a second, and close."""
        if self._watching is not None:
            self._watching.cancel()
        servers = [server.close() for server in (self._server, self._door) if server is not None]
        await asyncio.gather(*servers, *(listener.stop() for listener in self._listeners))
        if self._postman is not None:
            await self._postman.stop()
        self._scripting.close()
        self._reading.close()
        self._storage.close()
        self._overlays.log.close()
        self._journal.close()

    def _adopt(self, world: World) -> None:
        """Change to an edited world. The addresses of the listeners stay until the next start."""
        self._accounts.world = world

    def _listen_as_greenmail(self, habits: Habits) -> None:
        """Listen at GreenMail's ports, where people look for them: at the address of the app door."""
        for option in habits.ineffective:
            log.warning("GREENMAIL_OPTS: %s has no effect here", option)
        hostname, front = self._world.host_of(Role.STORE).name, self._settings.front
        sasl = {name: sasl_at_ports(name, self._realm, habits, hostname) for name in ("pop", "imap")}
        for service, name in ((self._pop3(sasl["pop"]), "pop3"), (self._imap(sasl["imap"]), "imap")):
            ports = [PORTS[kind] if kind in habits.ports else None for kind in (name, f"{name}s")]
            self._listen(service, *ports, host=front)

    def _pop3(self, open_sasl: Sasl | None = None) -> Service:
        """Return POP3, or with `open_sasl` as GreenMail has it."""
        settings = self._settings
        shared = pop3.Shared(
            self._accounts if open_sasl is None else self._habitual,
            self._storage,
            self._journal,
            self._refusals,
            sasl=open_sasl or self._sasl["pop"],
            offer=self._pop3_offer,
            policy=capabilities.Policy(settings.pop3_expire, settings.pop3_login_delay),
            clock=self._clock,
            tls=open_sasl is None,  # clients that take STLS where it is offered would not trust the certificate
            plaintext_auth=settings.plaintext_auth or open_sasl is not None,
            locked=self._locked,
        )
        return self._service("pop3", shared.session, pop3.REFUSAL, pop3.IDLE_TIMEOUT)

    def _imap(self, open_sasl: Sasl | None = None) -> Service:
        """Return IMAP, or with `open_sasl` as GreenMail has it."""
        settings = self._settings
        shared = imap.Shared(
            self._accounts if open_sasl is None else self._habitual,
            self._storage,
            self._journal,
            self._refusals,
            self._incoming,
            sasl=open_sasl or self._sasl["imap"],
            tls=open_sasl is None,  # as above
            plaintext_auth=settings.plaintext_auth or open_sasl is not None,
            message_size=settings.message_size + ROOM,  # what has come by SMTP can be stored again
            message_limit=settings.imap_message_limit,
            registry=self._registry,
            clock=self._clock,
        )
        return self._service("imap", shared.session, imap.REFUSAL, imap.IDLE_TIMEOUT)

    def _managesieve(self) -> Service:
        return self._service("managesieve", self._scripting.session, scripting.REFUSAL, scripting.IDLE_TIMEOUT)

    def _service(self, name: str, session: Callable[[], Session], refusal: bytes, idle_timeout: float) -> Service:
        settings = self._settings
        return Service(
            name,
            session,
            refusal,
            idle_timeout=idle_timeout,
            login_timeout=settings.login_timeout,
            connections=settings.connections,
            connections_per_address=settings.connections,  # behind a container's port all clients share one
        )

    def _listen(self, service: Service, port: int | None, tls_port: int | None = None, *, host: str = "") -> None:
        """Listen at a port, and at one of implicit TLS, as far as they are given."""
        loop = asyncio.get_running_loop()
        listener = Listener(
            service,
            reactor_on(loop),
            loop,
            self._twisted_tls,
            clock=self._clock,
            tap=self._tap,
            refusals=self._refusals,
        )
        self._listeners.append(listener)
        if port is not None:
            listener.listen(host or self.host, port)
        if tls_port is not None:
            listener.listen(host or self.host, tls_port, implicit_tls=True)

    async def _serve_smtp(self) -> Server:
        settings = self._settings
        hostname = self._world.host_of(Role.STORE).name
        return await serve(
            Delivery(
                self._accounts,
                self._storage,
                self._journal,
                hostname=hostname,
                sorter=self._scripting.sorter,
                clock=self._clock,
            ),
            [
                SmtpListener(self.host, settings.smtp_port),
                SmtpListener(self.host, settings.lmtp_port, SmtpPurpose.LMTP),
            ],
            hostname=hostname,
            content_directory=self._incoming,
            extensions=(*self._extensions, world_extension(find_key(settings.control_dir))),
            limits=Limits(
                message_size=settings.message_size,
                recipients=settings.recipients,
                connections=settings.connections,
                connections_per_address=settings.connections,
            ).with_room_for_trace_fields(),
            tls=self._smtp_tls,
            postmaster=self._world.postmaster_of(hostname),
            clock=self._clock,
            tap=self._tap,
            before_replies=self._journal.flush,
        )

    async def _open_door(self) -> Door | None:
        """Listen for the web service, on the store's own address in the world's network."""
        token = find_token(self._settings.control_dir)
        if token is None:
            return None
        notes = Notes(self._journal, "control")
        language, most = self._scripting.language, self._settings.snapshots
        mail = Mail(self._accounts, self._storage, self._reading, notes, self._clock, language, most, self._dismiss)
        rooms = [
            *routes(mail, self._journal, self._sessions),
            *session_routes(self.recorder),
            search_route(self._settings.journal_dir),
            *world_routes(self._overlays),
            *UserRoutes(mail, self._ledger, self._drop, partial(self._preload.load, again=True)).routes,
        ]
        door = Door(rooms, token=token, clock=self._clock)
        await door.start(str(self._world.host_of(Role.STORE).address), self._settings.control_port)
        return door

    async def _gone(self, overlay: Overlay) -> None:
        """Remove the accounts of a world that was dropped, with all their mail, and end their sessions."""
        logins = overlay.logins
        if self._accounts.creates:
            suffixes = tuple(f"@{domain}" for domain in overlay.world.domains)
            accounts = await self._reading(Listing.accounts)
            logins += [account.login for account in accounts if account.login.endswith(suffixes)]
        storage = self._storage
        await asyncio.gather(self._drop(logins), storage.snapshots.forget(overlay.id), storage.outbox.drop(overlay.id))
        self.recorder.drop_world(overlay.id)

    async def _drop(self, logins: list[str]) -> None:
        """Remove accounts with all their mail, and end their sessions."""
        for login in logins:
            self._dismiss(login, Farewell.REMOVED)
        await self._storage.drop_accounts(logins)

    def _dismiss(self, login: str, reason: Farewell = Farewell.RESTORED) -> None:
        for listener in self._listeners:
            listener.dismiss(login, reason)

    def _sessions(self) -> dict[str, int]:
        """Count the sessions by protocol."""
        counts = Counter({"smtp": self._server.connections if self._server is not None else 0})
        for listener in self._listeners:
            counts[listener.service.name] += listener.connections
        return counts


def world_of(settings: Settings) -> WorldFile:
    """Return the world file as the store reads it: it knows which capabilities of IMAP can be hidden."""
    return WorldFile(settings.world, settings.network, settings.capturing, Registry().why_not_hide)


def _commands(settings: Settings) -> Registry:
    """Return IMAP's commands, without those that the settings hide; raises `ConfigError`."""
    limits = [MESSAGELIMIT.name.decode("ascii"), SAVELIMIT.name.decode("ascii")]
    for name in settings.imap_with:
        if name.upper() in limits:
            raise ConfigError(
                f"POSTROAD_IMAP_WITH={name}: POSTROAD_IMAP_MESSAGE_LIMIT is what offers it, and says how many"
            )
    asked = (*settings.imap_with, *limits) if settings.imap_message_limit else settings.imap_with
    try:
        return Registry(without=settings.imap_without, asked=asked)
    except CannotHide as error:
        raise ConfigError(f"POSTROAD_IMAP_WITHOUT={','.join(settings.imap_without)}: {error}") from None
    except CannotAsk as error:
        raise ConfigError(f"POSTROAD_IMAP_WITH={','.join(settings.imap_with)}: {error}") from None


def _pop3_offer(settings: Settings) -> capabilities.Offer:
    """Return POP3's capabilities without those that the settings hide; raises `ConfigError`."""
    try:
        return capabilities.Offer(settings.pop3_without)
    except capabilities.CannotHide as error:
        raise ConfigError(f"POSTROAD_POP3_WITHOUT={','.join(settings.pop3_without)}: {error}") from None


def _incoming(mail_dir: Path) -> Path:
    """Return the folder of arriving large contents, emptied: files that a kill has left were never accepted."""
    folder = mail_dir / "incoming"
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder
