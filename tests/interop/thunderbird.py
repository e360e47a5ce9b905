"""Mozilla Thunderbird without a screen, with a profile of its own, led by Marionette.

Marionette is Mozilla's remote control. It speaks JSON over TCP: `length:[0, number, command, parameters]`, and
`length:[1, number, error, result]` for an answer.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness.needs import require_program
from tests.harness.stack import RELAY_NAME, STORE_NAME, WAIT, Log, Port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.stack import User
    from tests.interop.conftest import Clients

_SCRIPT = Path(__file__).with_suffix(".js")
_LISTENING = re.compile(r"Marionette\tINFO\tListening on port (\d+)")
_ANSWERS_WITHIN = 2 * WAIT  # a script has 30 s, of Marionette


class Marionette:
    """One session of the remote control."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_ANSWERS_WITHIN)
        self._file = self._socket.makefile("rb")
        self._number = 0
        hello = self._read()
        assert hello["marionetteProtocol"] == 3, hello

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def command(self, name: str, **parameters: object) -> Any:
        """Give a command and return its result."""
        self._number += 1
        octets = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(octets), octets))
        _, number, error, result = self._read()
        assert number == self._number
        assert error is None, f"{name}: {error['error']}: {error['message']}\n{error['stacktrace']}"
        return result

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script where others ran, and return what it returns, or what its promise gives."""
        script_of = {"script": script, "args": arguments, "sandbox": "system", "newSandbox": False}
        return self.command("WebDriver:ExecuteScript", **script_of)["value"]

    def _read(self) -> Any:
        size = b""
        while (octet := self._file.read(1)) != b":":
            assert octet, "Thunderbird has hung up"
            size += octet
        return json.loads(self._file.read(int(size)))


class Person:
    """Somebody at a Thunderbird."""

    def __init__(self, control: Marionette) -> None:
        self._control = control
        control.command("WebDriver:NewSession", capabilities={})
        control.command("Marionette:SetContext", value="chrome")
        control.run(_SCRIPT.read_text())

    def do(self, what: str, *arguments: object) -> Any:
        """Run a function of the script, and return what it gives."""
        return self._control.run(f"return person.{what}(...arguments)", *arguments)


@contextmanager
def thunderbird(clients: Clients, user: User) -> Iterator[Person]:
    """Start a Thunderbird with a user's account; end it at the end."""
    program = require_program("thunderbird")
    profile = clients.home / "profile"
    profile.mkdir()
    (profile / "user.js").write_text("".join(_preferences(clients, user)))
    clients.run("certutil", "-d", f"sql:{profile}", "-N", "--empty-password")
    clients.run("certutil", "-d", f"sql:{profile}", "-A", "-n", "postroad", "-t", "C,,", "-i", clients.ca)
    log = Log("thunderbird")
    with subprocess.Popen(
        [program, "--headless", "--marionette", "--remote-allow-system-access", "--profile", str(profile)],
        env=clients.environment | {"MOZ_CRASHREPORTER_DISABLE": "1"},
        cwd=clients.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        reader = log.follow(iter(process.stdout))
        try:
            listening = _LISTENING.search(log.wait(_LISTENING.pattern))
            assert listening is not None
            with closing(Marionette(int(listening[1]))) as control:
                person = Person(control)
                for server in (f"imap://{STORE_NAME}", f"smtp://{RELAY_NAME}"):
                    person.do("remember", server, user.address, user.password)
                yield person
                control.command("Marionette:Quit", flags=["eForceQuit"])
            assert process.wait(WAIT) == 0, log.text()
        finally:
            process.kill()
            process.wait()
            reader.join(WAIT)


def _preferences(clients: Clients, user: User) -> list[str]:
    """Return the preferences of the profile."""
    account: dict[str, object] = {
        "mail.accountmanager.accounts": "account1",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.account.account1.server": "server1",
        "mail.account.account1.identities": "id1",
        "mail.server.server1.type": "imap",
        "mail.server.server1.name": user.address,
        "mail.server.server1.hostname": STORE_NAME,
        "mail.server.server1.port": clients.number(Port.IMAPS),
        "mail.server.server1.userName": user.address,
        "mail.server.server1.socketType": 3,  # TLS from the first octet
        "mail.server.server1.authMethod": 4,  # CRAM-MD5
        "mail.server.server1.use_condstore": True,  # it is off unless a person asks for it
        "mail.smtpservers": "smtp1",
        "mail.smtp.defaultserver": "smtp1",
        "mail.smtpserver.smtp1.type": "smtp",
        "mail.smtpserver.smtp1.hostname": RELAY_NAME,
        "mail.smtpserver.smtp1.port": clients.number(Port.SUBMISSION),
        "mail.smtpserver.smtp1.username": user.address,
        "mail.smtpserver.smtp1.try_ssl": 2,  # STARTTLS
        "mail.smtpserver.smtp1.authMethod": 3,  # a password
        "mail.identity.id1.useremail": user.address,
        "mail.identity.id1.fullName": "A person",
        "mail.identity.id1.smtpServer": "smtp1",
        "mail.identity.id1.valid": True,
    }
    # Nothing happens at a time of Thunderbird's own choice: mail comes because the server has told of it.
    quiet: dict[str, object] = {
        "mail.server.server1.login_at_startup": False,
        "mail.server.server1.check_new_mail": False,
        "mail.server.server1.autosync_offline_stores": False,
        "mail.check_all_imap_folders_for_new": False,
        "mail.provider.suppress_dialog_on_startup": True,
        "mail.biff.show_alert": False,
        "mailnews.start_page.enabled": False,
        "mail.rights.version": 1,
    }
    # Marionette turns most of the requests to Thunderbird's makers off. The others go to a proxy that isn't there.
    # IMAP and SMTP use none.
    alone: dict[str, object] = {
        "marionette.port": 0,
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "services.settings.server": "data:,#",
        "mail.inappnotifications.enabled": False,
        "extensions.update.enabled": False,
        "app.update.enabled": False,
        "toolkit.telemetry.server": "",
    }
    return [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in (account | quiet | alone).items()
    ]
