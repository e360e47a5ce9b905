"""A ManageSieve session: carries out the engine's events against the scripts of an account (RFC 5804 §2)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from postroad.tap import LoggedIn
from postroad.world.guesses import NotAllowed, TooManyGuesses
from postroad_store.mail.model.errors import (
    MailError,
    NoSuchScript,
    ScriptActive,
    ScriptExists,
    ScriptsTooLarge,
    StorageError,
    TooManyScripts,
)
from postroad_store.managesieve import responses
from postroad_store.managesieve.engine import FAILED, PLAINTEXT_REFUSED, Engine
from postroad_store.managesieve.events import (
    Activate,
    Delete,
    Get,
    HaveSpace,
    ListAll,
    LoggedOut,
    Login,
    PlaintextRefused,
    Put,
    Rename,
)
from postroad_store.protocol.contract import Farewell
from postroad_store.sieve import limits
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import InvalidScript

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroad_store.mail.model.account import Account
    from postroad_store.managesieve.shared import Shared
    from postroad_store.protocol.contract import Connection, Event

log = logging.getLogger(__name__)

INTERNAL_ERROR = "Internal error occurred."
NOT_ALLOWED = "Authorization failed."
TOO_MANY_GUESSES = "Too many failed logins, try again later."
# RFC 5804 §1.3, by error of the mail
_CODES: dict[type[MailError], bytes] = {
    NoSuchScript: b"NONEXISTENT",
    ScriptExists: b"ALREADYEXISTS",
    ScriptActive: b"ACTIVE",
    TooManyScripts: b"QUOTA/MAXSCRIPTS",
    ScriptsTooLarge: b"QUOTA/MAXSIZE",
}
_FAREWELLS = {
    Farewell.IDLE: ("Disconnected for inactivity.", b""),
    Farewell.SHUTDOWN: ("Server shutting down.", b"TRYLATER"),
    Farewell.CROWDED: ("Too many connections.", b"TRYLATER"),
    Farewell.REMOVED: ("The account has been removed.", b""),
    Farewell.RESTORED: ("The scripts have been restored.", b""),
}


class Session:
    """One connection (`contract.Session`)."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._scripts = shared.storage.scripts
        self._account: Account | None = None
        self.engine = Engine(shared.sasl, shared.registry.advertised, tls=shared.tls)

    def begin(self, connection: Connection) -> None:
        """Greet."""
        self._connection = connection
        self.engine.greet(lambda: connection.channel, secure=connection.secure)

    def tls_started(self) -> None:
        """Go on over TLS, with the capabilities (RFC 5804 §2.2)."""
        self.engine.tls_started()

    def farewell(self, reason: Farewell) -> None:
        """Say why the connection is closed."""
        self.engine.say_goodbye(*_FAREWELLS[reason])

    def end(self) -> None:
        """Release nothing: a session holds no lock."""

    def failed(self, event: Event) -> None:  # noqa: ARG002 - all are answered alike
        """Answer an event whose handling has crashed."""
        self.engine.refuse(INTERNAL_ERROR, b"TRYLATER")

    def handle(self, event: Event) -> Awaitable[None] | None:
        """Carry out an event of the engine."""
        match event:
            case Login():
                return self._login(event)
            case PlaintextRefused():
                self._note_refusal({}, PLAINTEXT_REFUSED, b"ENCRYPT-NEEDED")
                return None
            case LoggedOut():
                self._account = None
                self._connection.logged_out()
                return None
        if self._account is None:
            raise TypeError(f"{type(event).__name__} is not an event that the engine gives before login")
        return self._carry_out(event, self._account)

    def _note_refusal(self, facts: dict[str, str], text: str, code: bytes = b"") -> None:
        peer, reply = self._connection.peer, responses.status(b"NO", text, code).decode().rstrip("\r\n")
        log.info("managesieve login failed", extra=facts | {"peer": peer, "reply": reply})
        self._shared.refusals.record("AUTH", peer=peer, port="managesieve", reply=reply, **facts)

    async def _login(self, event: Login) -> None:
        peer, facts = self._connection.peer, event.claim.facts
        try:
            account = await self._shared.accounts.authenticate(event.claim, peer)
        except TooManyGuesses:
            self._note_refusal(facts, TOO_MANY_GUESSES, b"TRYLATER")
            self.engine.refuse(TOO_MANY_GUESSES, b"TRYLATER")
            return
        except NotAllowed:
            self._note_refusal(facts, NOT_ALLOWED)
            self.engine.login_failed(NOT_ALLOWED)
            return
        if account is None:
            self._note_refusal(facts, FAILED)
            self.engine.login_failed()
            return
        try:
            self._account = await self._shared.storage.account(account.login)
        except StorageError as error:
            log.warning("an account can't be opened: %s", error, extra={"login": account.login})
            self.engine.refuse(INTERNAL_ERROR, b"TRYLATER")
            return
        self._connection.logged_in(account.login)
        self._connection.note(LoggedIn(account.login, self._shared.accounts.world_id(account.login)))
        log.info("managesieve login", extra=facts | {"login": account.login, "peer": peer})
        self.engine.logged_in(account.login)

    async def _carry_out(self, event: Event, account: Account) -> None:
        try:
            await self._answer(event, account)
        except StorageError as error:
            log.warning("scripts can't be read or written: %s", error, extra={"login": account.login})
            self.engine.refuse(INTERNAL_ERROR, b"TRYLATER")
        except MailError as error:
            said = str(error)
            self.engine.refuse(f"{said[:1].upper()}{said[1:]}.", _CODES.get(type(error), b""))

    async def _answer(self, event: Event, account: Account) -> None:
        engine, scripts = self.engine, self._scripts
        match event:
            case Put():
                await self._put(event, account)
                return
            case Get():
                # RFC 5804 §2.9: response-getscript = (sieve-script CRLF response-ok)
                engine.send(responses.literal(scripts.content(account, event.name)) + b"\r\n")
                engine.done("Getscript completed.")
            case ListAll():
                for listed in scripts.listed(account):
                    engine.send(responses.string(listed.name) + (b" ACTIVE\r\n" if listed.active else b"\r\n"))
                engine.done("Listscripts completed.")
            case Activate():
                await scripts.activate(account, event.name)
                engine.done("Setactive completed.")
                log.info("script activated", extra={"login": account.login, "script": event.name})
            case Delete():
                await scripts.delete(account, event.name)
                engine.done("Deletescript completed.")
            case Rename():
                await scripts.rename(account, event.name, event.new_name)
                engine.done("Renamescript completed.")
            case HaveSpace():
                if event.size > limits.SCRIPT:
                    raise ScriptsTooLarge(f"a script has at most {limits.SCRIPT} octets")
                scripts.check_space(account, event.name, event.size)
                engine.done("Have space.")
            case _:
                raise TypeError(f"{type(event).__name__} is not an event that the engine gives")

    async def _put(self, event: Put, account: Account) -> None:
        """Check a script, in a thread, and store it (RFC 5804 §2.6, §2.12)."""
        engine = self.engine
        if event.name is not None and not event.content:  # RFC 5804 §2.6: a SHOULD
            engine.refuse("A script of no octets is not stored.")
            return
        try:
            program = await asyncio.to_thread(compile_script, event.content, self._shared.registry)
        except InvalidScript as error:
            engine.refuse(str(error))
            return
        if event.name is not None:
            await self._scripts.put(account, event.name, event.content)
        if program.warnings:
            engine.done("\r\n".join(program.warnings), b"WARNINGS")
        else:
            engine.done("Checkscript completed." if event.name is None else "Putscript completed.")
