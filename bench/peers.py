"""The peers: Debian's NSD, Postfix and Dovecot on loopback, with configurations of their own in a folder of their own.

Nothing of the system's configuration is read or changed, and every process that is started here is ended here, by its
process ID. All peers keep their real durability: Postfix fsyncs before 250 as it always does, Dovecot runs with
`mail_fsync = optimized`, its default, which fsyncs before APPEND and LMTP answer.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from tests.harness.dovecot import BASE
from tests.harness.processes import claim_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATIENCE = 20.0  # seconds that a peer may take to start or to stop
_NETWORK, _CLAIM = claim_network()  # so that two runs at a time do not meet; held as long as this process lives
atexit.register(_CLAIM.close)
DOVECOT_ADDRESSES = {"sdbox": f"{_NETWORK}.143", "maildir": f"{_NETWORK}.144"}
NSD_ADDRESS = f"{_NETWORK}.53"
SUBMISSION_ADDRESS = f"{_NETWORK}.25"
MX_ADDRESS = f"{_NETWORK}.26"
SMTP_PORT = 10025
IMAP_PORT, POP3_PORT = 10143, 10110
DNS_PORT = 10053
PASSWORD = "builder"


class MissingPeerError(Exception):
    """A program is not installed; the message says which package brings it."""


def wait_for_port(address: str, port: int) -> None:
    """Return once the port accepts a connection; raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on {address}:{port}") from None
            time.sleep(0.02)
        else:
            return


def program(name: str, package: str) -> str:
    """Return the path of a program of a Debian package."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        raise MissingPeerError(f"{name} is not here: apt-get install {package}")
    return path


class Daemon:
    """A peer that runs in the foreground as a child of this process."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int:
        """Its process ID; raises `RuntimeError` if it does not run."""
        if self._process is None:
            raise RuntimeError(f"{self._command[0]} does not run")
        return self._process.pid

    def start(self, address: str, port: int) -> None:
        """Start it and wait until the port accepts; its output goes to a file in its folder."""
        with (self._folder / "output.log").open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_for_port(address, port)
            if self._process.poll() is not None:  # then it was another that answered
                raise RuntimeError(f"{self._command[0]} has ended")
        except Exception:
            for log in sorted(self._folder.glob("*.log")):
                print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
            self.stop()
            raise

    def stop(self) -> None:
        """End it and what it has started."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None


class Nsd:
    """NSD with one server process and the zones that it is given, each by its name and master file."""

    def __init__(self, folder: Path, zones: Mapping[str, str]) -> None:
        binary = program("nsd", "nsd")
        folder.mkdir(parents=True)
        clauses = ""
        for number, (name, text) in enumerate(zones.items()):
            (folder / f"{number}.zone").write_text(text)
            clauses += f'zone:\n    name: "{name}"\n    zonefile: "{number}.zone"\n'
        (folder / "nsd.conf").write_text(f"""
server:
    server-count: 1
    ip-address: {NSD_ADDRESS}@{DNS_PORT}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    logfile: "{folder}/nsd.log"
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
{clauses}""")
        self._daemon = Daemon([binary, "-d", "-c", str(folder / "nsd.conf")], folder)

    def __enter__(self) -> Self:
        self._daemon.start(NSD_ADDRESS, DNS_PORT)
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.stop()


class Postfix:
    """One Postfix instance that listens on one address."""

    def __init__(self, folder: Path, address: str, settings: dict[str, str]) -> None:
        self._binary = program("postfix", "postfix")
        self._config = folder / "etc"
        self._config.mkdir(parents=True)
        for name in ("queue", "data"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        shutil.chown(folder / "data", "postfix")
        lines = {
            "compatibility_level": "3.6",
            "queue_directory": str(folder / "queue"),
            "data_directory": str(folder / "data"),
            "maillog_file": str(folder / "maillog"),
            "maillog_file_prefixes": str(folder),
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            "myhostname": "peer.test",
            "mydestination": "",
            "alias_maps": "",
            "local_recipient_maps": "",
            "mynetworks": "127.0.0.0/8",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_peername_lookup": "no",
            "default_process_limit": "100",
            **settings,
        }
        (self._config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))
        daemons = [
            f"{address}:{SMTP_PORT} inet n - n - - smtpd",
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "tlsmgr unix - - n 1000? 1 tlsmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "verify unix - - n - 1 verify",
            "proxymap unix - - n - - proxymap",
            "smtp unix - - n - - smtp",
            "relay unix - - n - - smtp",
            "showq unix n - n - - showq",
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "discard unix - - n - - discard",
            "lmtp unix - - n - - lmtp",
            "anvil unix - - n - 1 anvil",
            "scache unix - - n - 1 scache",
            "postlog unix-dgram n - n - 1 postlogd",
        ]
        (self._config / "master.cf").write_text("\n".join(daemons) + "\n")
        self._address = address

    def _run(self, action: str) -> None:
        subprocess.run(
            [self._binary, "-c", str(self._config), action], check=True, capture_output=True, timeout=PATIENCE * 2
        )

    def __enter__(self) -> Self:
        self._run("start")
        wait_for_port(self._address, SMTP_PORT)
        return self

    def __exit__(self, *_: object) -> None:
        self._run("stop")


def submission(folder: Path, *, hold: bool = False, tls: Path) -> Postfix:
    """Return the Postfix that takes mail from clients and sends it on to the MX, or keeps it all on hold."""
    return Postfix(
        folder,
        SUBMISSION_ADDRESS,
        {
            "relayhost": f"[{MX_ADDRESS}]:{SMTP_PORT}",
            "smtp_tls_security_level": "may",
            "smtp_tls_CAfile": str(tls / "ca.pem"),
            **({"smtpd_client_restrictions": "static:HOLD"} if hold else {}),
        },
    )


def exchanger(folder: Path, lmtp_socket: Path, *, tls: Path) -> Postfix:
    """Return the recipient's MX, which hands everything to Dovecot by LMTP and offers STARTTLS, as ours does."""
    return Postfix(
        folder,
        MX_ADDRESS,
        {
            "virtual_mailbox_domains": "beta.test",
            "virtual_mailbox_maps": "static:anyone",
            "virtual_transport": f"lmtp:unix:{lmtp_socket}",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": str(tls / "cert.pem"),
            "smtpd_tls_key_file": str(tls / "key.pem"),
        },
    )


class Dovecot:
    """Dovecot's IMAP, POP3 and LMTP over one mailbox format, with `service_count = 0` for its logins.

    `fsync` is its mail_fsync: "optimized", its own choice, writes mail to the disk before OK, but no change of flags;
    "always" writes both.
    """

    def __init__(self, folder: Path, layout: str, *, fsync: str = "optimized") -> None:
        binary = program("dovecot", "dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd")
        self.address = DOVECOT_ADDRESSES[layout]
        self.lmtp_socket = folder / "lmtp"
        (folder / "mail").mkdir(parents=True)
        folder.chmod(0o755)
        shutil.chown(folder / "mail", "mail", "mail")
        login = "service_count = 0\n  client_limit = 1000\n  process_min_avail = 1"
        base = BASE.format(
            folder=folder, address=self.address, protocols="imap pop3 lmtp", layout=layout, password=PASSWORD
        )
        (folder / "dovecot.conf").write_text(f"""{base}
mail_fsync = {fsync}
mail_max_userip_connections = 100
service imap-login {{
  {login}
  inet_listener imap {{
    port = {IMAP_PORT}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  {login}
  inet_listener pop3 {{
    port = {POP3_PORT}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service imap {{
  service_count = 0
  process_min_avail = 1
}}
service pop3 {{
  service_count = 0
  process_min_avail = 1
}}
service lmtp {{
  unix_listener {self.lmtp_socket} {{
    mode = 0666
  }}
  process_min_avail = 5
}}
service stats {{
  client_limit = 1000
}}
""")
        self._daemon = Daemon([binary, "-F", "-c", str(folder / "dovecot.conf")], folder)

    @property
    def process_id(self) -> int:
        """The ID of its master process."""
        return self._daemon.process_id

    def __enter__(self) -> Self:
        self._daemon.start(self.address, IMAP_PORT)
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.stop()
