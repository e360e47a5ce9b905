"""Runs the active script of an account for a message that arrives, in a thread of its own.

A script may take as long as `limits.WORK` allows, some 50 ms, so it never runs on the event loop. Compiled scripts are
kept by the number that each version of a script has.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postroad.regular import read_regular
from postroad_store.mail.model.account import canonical_name
from postroad_store.mail.model.annotations import checked_entry, is_private
from postroad_store.sieve import limits
from postroad_store.sieve.actions import File, Outcome
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import InvalidScript, RunError
from postroad_store.sieve.message import Message
from postroad_store.sieve.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from postroad_store.mail.library import Library, Script
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.scripts import Scripts
    from postroad_store.sieve.program import Program
    from postroad_store.sieve.registry import Registry

KEPT = 256  # compiled scripts
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Occasion:
    """A message that arrives for one account: what its script may ask for (`run.Surroundings`)."""

    account: Account
    now: datetime
    sender: tuple[str, str] | None
    recipients: Sequence[tuple[str, str]]
    owner: str
    environment: Mapping[str, str]
    _shelf: Shelf = field(repr=False)

    def has_mailbox(self, name: str) -> bool:
        """Whether messages can be put into a mailbox of this name."""
        entry = self.account.listed(canonical_name(name))
        return entry is not None and entry.selectable

    def has_special_use(self, use: str, mailbox: str | None) -> bool:
        """Whether the mailbox, or any, has a special use."""
        names = special_use(self.account, use)
        return bool(names) if mailbox is None else canonical_name(mailbox) in names

    def annotation(self, mailbox: str | None, entry: str) -> str | None:
        """Return the value of an annotation, the user's own for a private one."""
        number = 0
        if mailbox is not None:
            listed = self.account.listed(canonical_name(mailbox))
            if listed is None:
                return None
            number = listed.id
        name = checked_entry(entry.encode())
        if name is None or (
            not number and not is_private(name) and not self._shelf.hears_of_server(self.account.login)
        ):
            return None
        value = self._shelf.library.annotation(self.account.id, number, name)
        return None if value is None else value.decode("utf-8", "replace")

    def is_remembered(self, key: str) -> bool:
        """Whether `duplicate` has seen this ID."""
        return self._shelf.library.is_remembered(self.account.id, seen(key), self.now.timestamp())

    def script(self, name: str, *, everybody: bool) -> Program | None:
        """Return another script of the account, or a global one."""
        return self._shelf.included(self.account.id, name, everybody=everybody)


def seen(key: str) -> str:
    """Return the key under which the mail remembers what `duplicate` has seen."""
    return f"seen {key}"


def special_use(account: Account, use: str) -> list[str]:
    """Return the names of the mailboxes that have a special use, in any case (RFC 6154 §6); from any thread."""
    wanted = use.casefold()
    entries = [account.listed(name) for name in list(account.names)]
    return [
        entry.name
        for entry in entries
        if entry is not None and entry.selectable and wanted in (entry.special_use or "").casefold().split()
    ]


class Shelf:
    """Compiled scripts; for the thread that runs them."""

    def __init__(
        self, library: Library, registry: Registry, everybody: Path, hears_of_server: Callable[[str], bool]
    ) -> None:
        self.library = library
        self.hears_of_server = hears_of_server
        self._registry = registry
        self._everybody = everybody
        self._programs: OrderedDict[object, Program | InvalidScript] = OrderedDict()

    def active(self, account: int, worlds: str) -> tuple[str, Program]:
        """Return the active script with its name, else the one that the world gives, which has none.

        Raises `RunError` if it is not valid.
        """
        script = self.library.active(account)
        if script is not None:
            return script.name, self._valid(script)
        content = worlds.encode("utf-8", "surrogatepass")
        return "", self._compiled(content, "of the world", content)

    def included(self, account: int, name: str, *, everybody: bool) -> Program | None:
        """Return a script that another includes (RFC 6609 §3.2); raises `RunError` if it is not valid."""
        if everybody:
            return self._global(name)
        script = self.library.named(account, name)
        return None if script is None else self._valid(script)

    def _global(self, name: str) -> Program | None:
        """Return the global script of a name: a file, whose content is the key under which its program is kept."""
        if "/" in name or name.startswith("."):
            return None
        try:
            content = read_regular(self._everybody / f"{name}.sieve", limits.SCRIPT + 1)
        except OSError:
            return None
        return self._compiled(content, name, content)

    def _valid(self, script: Script) -> Program:
        return self._compiled(script.number, script.name, script.content)

    def _compiled(self, key: object, name: str, content: bytes) -> Program:
        program = self._programs.get(key)
        if program is None:
            try:
                program = compile_script(content, self._registry)
            except InvalidScript as error:
                program = error
            self._programs[key] = program
            if len(self._programs) > KEPT:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(key)
        if isinstance(program, InvalidScript):
            raise RunError(f"the script {name} is not valid: {program.faults[0]}")
        return program


class Filter:
    """The scripts of all accounts, and the thread that runs them.

    `everybody` is the folder of global scripts. `hears_of_server` says of a login whether shared annotations of the
    server are for it.
    """

    def __init__(
        self, scripts: Scripts, registry: Registry, everybody: Path, hears_of_server: Callable[[str], bool]
    ) -> None:
        self._scripts = scripts
        self._registry = registry
        self._everybody = everybody
        self._hears_of_server = hears_of_server
        self._thread: ThreadPoolExecutor | None = None
        self._shelf: Shelf | None = None

    def close(self) -> None:
        """End the thread, once the script that runs has ended."""
        if self._thread is not None and self._shelf is not None:
            self._thread.shutdown()
            self._shelf.library.close()

    async def decide(
        self,
        account: Account,
        content: bytes,
        *,
        now: datetime,
        sender: tuple[str, str] | None,
        recipients: Sequence[tuple[str, str]],
        owner: str,
        environment: Mapping[str, str],
        worlds: str = "",
    ) -> Outcome:
        """Run the active script of an account, else the world's; whatever goes wrong, the message is kept."""
        if self._thread is None or self._shelf is None:  # for the first message that is filtered
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sieve")
            self._shelf = Shelf(self._scripts.library(), self._registry, self._everybody, self._hears_of_server)
        shelf = self._shelf
        occasion = Occasion(account, now, sender, recipients, owner, environment, shelf)

        def work() -> Outcome:
            try:
                name, program = shelf.active(account.id, worlds)
                return run(program, Message(content), occasion, name=name)
            except RunError as error:
                return Outcome((File(),), str(error))
            except Exception as error:
                log.exception("a script has failed", extra={"account": account.login})
                return Outcome((File(),), f"unforeseen error: {type(error).__name__}")

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
