"""Debian's Dovecot as a counterpart: a small one, in the foreground, on a loopback address and a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.harness.needs import require, require_program
from tests.harness.wire import PATIENCE

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

# What every small Dovecot is told; its listeners come behind it.
BASE = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
listen = {address}
protocols = {protocols}
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_uid = mail
mail_gid = mail
mail_location = {layout}:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u allow_all_users=yes
}}
"""
_LISTENER = """
service {login} {{
  inet_listener {protocol} {{
    port = {port}
  }}
  inet_listener {other} {{
    port = 0
  }}
}}
"""
_LISTENERS = {  # by protocol: the service that has it, and its other listener
    "imap": ("imap-login", "imaps"),
    "pop3": ("pop3-login", "pop3s"),
    "sieve": ("managesieve-login", "sieve_deprecated"),
}


class Dovecot:
    """Runs for as long as it is entered. Every name is a user's, and `password` everybody's password.

    `layout` is that of its mailboxes, and `more` what else its configuration says, with `{folder}` for its folder.
    """

    def __init__(
        self, protocol: str, address: str, port: int, *, password: str, layout: str = "sdbox", more: str = ""
    ) -> None:
        self._binary = require_program("dovecot")
        require(os.geteuid() == 0, "Dovecot needs root to become its users")
        self._address, self._port = address, port
        self.folder = Path(tempfile.mkdtemp(prefix="postroad-dovecot-"))
        self.folder.chmod(0o755)  # Dovecot's own users have to enter it
        self.mail = self.folder / "mail"
        self.mail.mkdir()
        shutil.chown(self.mail, "mail", "mail")
        login, other = _LISTENERS[protocol]
        written = BASE.format(
            folder=self.folder, address=address, protocols=protocol, layout=layout, password=password
        ) + _LISTENER.format(login=login, protocol=protocol, port=port, other=other)
        self._configuration = self.folder / "dovecot.conf"
        self._configuration.write_text(written + more.replace("{folder}", str(self.folder)), encoding="utf-8")

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(self._binary, "-F", "-c", self._configuration)
        try:
            _, writer = await self.connect()
        except BaseException:
            await self.__aexit__()
            raise
        await closed(writer)
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        await self._process.wait()
        shutil.rmtree(self.folder)

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """Return a connection, as soon as it listens."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(ConnectionRefusedError):
                    return await asyncio.open_connection(self._address, self._port)
                assert self._process.returncode is None, f"Dovecot has ended: {self.log()}"
                await asyncio.sleep(0.05)  # it gives no sign when it listens

    def log(self) -> str:
        """Return what it has complained about."""
        log = self.folder / "log"
        told = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(line for line in told if "Panic" in line or "Error" in line or "Fatal" in line)[-2000:]


async def closed(writer: StreamWriter) -> None:
    """Close a connection, and wait until it is."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
