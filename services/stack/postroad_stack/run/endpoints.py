"""The endpoints of the stack's protocols, a check that the machine has these addresses, and the first steps."""

from __future__ import annotations

import errno
import secrets
import socket
from typing import TYPE_CHECKING

from postroad.greenmail import API, PORTS
from postroad.world.world import Role
from postroad_stack.run.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postroad.config import Settings
    from postroad.world.world import World

LOCALHOST = "127.0.0.1"
ATTEMPTS = 100  # networks that are tried


def listeners(settings: Settings, world: World) -> dict[str, tuple[str, int]]:
    """Return the address and port of each protocol."""
    dns, relay, store = (settings.listen or str(world.host_of(role).address) for role in Role)
    return {
        "dns": (dns, settings.dns_port),
        "app": (settings.front, settings.app_port),
        "smtp": (relay, settings.smtp_port),
        "submission": (relay, settings.submission_port),
        "submissions": (relay, settings.submissions_port),
        "mx": (store, settings.smtp_port),
        "pop3": (store, settings.pop3_port),
        "pop3s": (store, settings.pop3s_port),
        "imap": (store, settings.imap_port),
        "imaps": (store, settings.imaps_port),
        "web": (settings.front, settings.web_port),
        **_dialects(settings),
    }


def _dialects(settings: Settings) -> dict[str, tuple[str, int]]:
    """Return the further ports for clients of MailHog and GreenMail, if they are wanted."""
    mailhog = {} if settings.mailhog_port is None else {"mailhog": settings.mailhog_port}
    habits = settings.habits
    greenmail = {} if habits is None else {name: PORTS[name] for name in sorted(habits.ports)} | {"api": API}
    named = mailhog | {f"greenmail-{name}": port for name, port in greenmail.items()}
    return {name: (settings.front, port) for name, port in named.items()}


def control_doors(settings: Settings, world: World) -> dict[str, tuple[str, int]]:
    """Return where each service can be controlled: always at its own host's address."""
    return {f"control of {role}": (str(world.host_of(role).address), settings.control_port) for role in Role}


def check_addresses(endpoints: Mapping[str, tuple[str, int]]) -> None:
    """Raise `RunError` if the services could not listen; it names every such address and what to do."""
    missing = dict.fromkeys(host for host, _ in endpoints.values() if _bind_error(host, 0) == errno.EADDRNOTAVAIL)
    if missing:
        # Linux has all of 127.0.0.0/8; macOS and the BSDs have only 127.0.0.1 until others are added.
        aliases = "\n".join(f"  sudo ifconfig lo0 alias {host} up" for host in missing)
        raise RunError(
            f"this machine has no address {', '.join(missing)}. On Linux, choose a network of 127.0.0.0/8 "
            f"(POSTROAD_NETWORK=127.0.1); on macOS, which has only 127.0.0.1, add them:\n"
            f"{aliases}\nor use the containers: docker compose up"
        )
    users: dict[tuple[str, int], list[str]] = {}
    for name, endpoint in endpoints.items():
        users.setdefault(endpoint, []).append(name)
    for (host, port), names in users.items():
        if len(names) > 1:
            raise RunError(
                f"{' and '.join(names)} would both listen on {host}:{port}: give them ports of their own, "
                "and leave POSTROAD_LISTEN empty"
            )
    taken = [f"{host}:{port}" for host, port in endpoints.values() if _bind_error(host, port) == errno.EADDRINUSE]
    if taken:
        raise RunError(
            f"{', '.join(taken)} in use: another Postroad runs there, or another server. Stop it, "
            "or choose another network (POSTROAD_NETWORK=127.0.1) or other ports (`python -m postroad.config`)"
        )


def free_network(port: int) -> str:
    """Return a loopback network, by its first three numbers, on whose first address nobody has a port.

    Raises `RunError` where the machine has no such networks: Linux has them, macOS does not.
    """
    for _ in range(ATTEMPTS):
        network = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}"
        error = _bind_error(f"{network}.1", port)
        if not error:
            return network
        if error != errno.EADDRINUSE:
            break
    raise RunError(
        "this machine has no free loopback network of 127.0.0.0/8: use the containers, or set POSTROAD_NETWORK"
    )


def _bind_error(host: str, port: int) -> int:
    """Return the error number of an attempt to listen there, or 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if port:
                probe.listen()
        except OSError as error:
            return error.errno or 0
    return 0


def first_steps(settings: Settings, world: World, endpoints: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    """Yield the lines that show a newcomer where everything is."""
    at = {name: f"{host}:{port}" for name, (host, port) in endpoints.items()}
    if settings.front == LOCALHOST:
        at |= {name: f"localhost:{endpoints[name][1]}" for name in ("app", "web")}
    yield f"Point your app at {at['app']} (SMTP; no login, no TLS), and open http://{at['web']}."
    yield f"  submission  {at['submission']} (STARTTLS), {at['submissions']} (TLS); SMTP {at['smtp']}"
    yield f"  POP3        {at['pop3']} (STLS), {at['pop3s']} (TLS)"
    yield f"  IMAP        {at['imap']} (STARTTLS), {at['imaps']} (TLS)"
    yield f"  DNS         {at['dns']} (UDP and TCP)"
    further = [f"{name.removeprefix('greenmail-')} {at[name]}" for name in at if name.startswith("greenmail-")]
    if further:
        yield f"  GreenMail   {', '.join(further)}"
    if "mailhog" in at:
        yield f"  MailHog     http://{at['mailhog']}"
    yield f"  accounts    in {settings.world}; the CA for clients: {settings.tls_dir / 'ca.pem'}"
    # The first users of two domains, so that the first mail crosses from one to the other.
    captures = world.capture.domain if world.capture else None
    domains = [domain for domain in world.domains.values() if domain.accounts and domain.name != captures]
    if len(domains) > 1:
        sender, recipient = (next(iter(domain.accounts.values())).login for domain in domains[:2])
        ca = f"--cacert {settings.tls_dir / 'ca.pem'}"
        yield "Send the first mail, and read it (curl asks for the passwords):"
        yield (
            f"  printf 'From: {sender}\\r\\nTo: {recipient}\\r\\nSubject: Hello\\r\\n\\r\\nHello!\\r\\n' | "
            f"curl {ca} --ssl-reqd --user {sender} --mail-from {sender} --mail-rcpt {recipient} "
            f"--upload-file - smtp://{at['submission']}"
        )
        yield f"  curl {ca} --user {recipient} 'imaps://{at['imaps']}/INBOX;MAILINDEX=1'"
