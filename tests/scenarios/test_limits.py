"""Clients that are slow, many, or too talkative cost little, and the others nothing."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness.mailboxes import arrived, imap
from tests.harness.processes import ProcessStack
from tests.harness.smtp import SMTP, client_context, relay_session, submit, transparent
from tests.harness.stack import ALICE, BOB, CAROL, STORE_NAME, WAIT, Port, Service, Stack
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1 << 20
SLOW_READERS = 10


def resident(stack: ProcessStack, service: Service) -> int:
    """Return the octets of memory that a service holds."""
    status = Path(f"/proc/{stack.process_id(service)}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024


def test_one_octet_at_a_time(native: Stack) -> None:
    user = native.fresh_user()
    dialogue = (
        f"EHLO client.example\r\nMAIL FROM:<{user.address}>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n".encode(),
        transparent(simple("Slowly", b"a\r\n.\r\nb\r\n")),
    )
    with SMTP(native.endpoint(Port.SMTP)) as session:
        for line in dialogue[0].splitlines(keepends=True):
            for octet in line:
                session.send(bytes([octet]))
            session.read()
        for octet in dialogue[1]:
            session.send(bytes([octet]))
        assert session.read().code == 250
    (content,) = arrived(native, user)
    assert content.endswith(b"\r\n\r\na\r\n.\r\nb\r\n")


def test_what_a_mailbox_holds_can_be_put_into_another(tmp_path: Path) -> None:
    """A message of just the size limit has grown by trace fields when it is in a mailbox."""
    content = simple("Limit", b"x" * (900 - len(simple("Limit", b""))) + b"\r\n")
    settings = {"POSTROAD_MESSAGE_SIZE": str(len(content))}
    with ProcessStack(tmp_path / "stack", settings=settings) as stack:
        with SMTP(stack.endpoint(Port.APP)) as session:
            session.ehlo()
            assert session.mail(ALICE.address, [BOB.address], content).code == 250
        (stored,) = arrived(stack, BOB)
        assert len(stored) > len(content)
        with imap(stack, ALICE) as client:
            client.append("INBOX", stored)
        stack.run("export", BOB.address, str(stack.folder / "mail"))
        stack.run("import", CAROL.address, str(stack.folder / "mail"))
        assert arrived(stack, ALICE) == arrived(stack, CAROL) == [stored]


def test_large_message_costs_little_memory(tmp_path: Path, figure: Callable[[str, object], None]) -> None:
    content = simple("Large", b"0123456789" * 7 + b"\r\n") + (b"0123456789" * 7 + b"\r\n") * (20_000_000 // 72)
    with ProcessStack(tmp_path / "stack") as stack:
        submit(stack, ALICE, [BOB.address], simple("Small"))
        arrived(stack, BOB)
        before = resident(stack, Service.RELAY)
        submit(stack, ALICE, [BOB.address], content)
        assert len(arrived(stack, BOB, count=2)) == 2
        grown = resident(stack, Service.RELAY) - before
        figure("relay grown by octets", grown)
        assert grown < 60 * MEGABYTE

        # Those who ask for it and do not read must not have it waiting in memory, each its own.
        before = resident(stack, Service.STORE)
        with contextlib.ExitStack() as readers:
            context = client_context(stack)
            for _ in range(SLOW_READERS):
                plain = readers.enter_context(socket.socket())
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                plain.settimeout(WAIT)
                plain.connect(stack.endpoint(Port.IMAPS))
                secure = readers.enter_context(context.wrap_socket(plain, server_hostname=STORE_NAME))
                secure.sendall(b"a LOGIN bob@beta.test builder\r\nb SELECT INBOX\r\n")
                received = b""
                while b"\r\nb OK" not in received:
                    received += secure.recv(4096)
                secure.sendall(b"c FETCH 2 BODY.PEEK[]\r\n")
                assert b"* 2 FETCH" in secure.recv(4096)
            # Others are served meanwhile.
            assert len(arrived(stack, BOB, count=2)) == 2
            grown = resident(stack, Service.STORE) - before
        figure("store grown by octets", grown)
        assert grown < SLOW_READERS * 10 * MEGABYTE
        stack.check_logs()


def test_too_many_connections(tmp_path: Path) -> None:
    with ProcessStack(tmp_path / "stack", settings={"POSTROAD_CONNECTIONS": "10"}) as stack:
        with contextlib.ExitStack() as held:
            sessions = [held.enter_context(SMTP(stack.endpoint(Port.SMTP))) for _ in range(11)]
            assert [session.greeting.code for session in sessions] == [220] * 10 + [421]
            assert sessions[-1].at_end()
            # Those who are in can work, and when they leave there is room again.
            sessions[0].ehlo()
            sessions[0].must("QUIT", 221)
            assert sessions[0].at_end()
            for port, greeting in ((Port.POP3, b"+OK"), (Port.IMAP, b"* OK")):
                clients = [held.enter_context(socket.create_connection(stack.endpoint(port), WAIT)) for _ in range(11)]
                first = [client.recv(100) for client in clients]
                assert all(line.startswith(greeting) for line in first[:10])
                assert not first[10].startswith(greeting)
        with relay_session(stack) as session:
            session.must("NOOP")
        stack.check_logs()


def test_endless_line(native: Stack) -> None:
    """A line without an end is refused at its limit, not collected."""
    for port, name in ((Port.SMTP, b"relay"), (Port.POP3, b"store"), (Port.IMAP, b"store")):
        with socket.create_connection(native.endpoint(port), timeout=WAIT) as client:
            assert client.recv(1000), name
            with contextlib.suppress(OSError):  # it hangs up while we are still sending
                for _ in range(100):
                    client.sendall(b"x" * 65536)
                client.sendall(b"\r\n")
            answer = b""
            with contextlib.suppress(OSError):
                while received := client.recv(65536):
                    answer += received
                    if answer.endswith(b"\r\n"):
                        break
            assert answer.startswith((b"5", b"421", b"-ERR", b"* BYE", b"* BAD", b"x")) or not answer, answer[:200]
    user = native.fresh_user()
    submit(native, user, [user.address], simple("Still there"))
    assert arrived(native, user)
