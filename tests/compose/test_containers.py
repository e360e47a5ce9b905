"""The containers themselves: how they are locked in, how soon they are up, what they survive."""

from __future__ import annotations

import contextlib
import json
import smtplib
from typing import TYPE_CHECKING, cast

import dns.message
import dns.query
import pytest

from tests.harness.load import Load, arrivals, check_accounts
from tests.harness.mailboxes import arrived
from tests.harness.smtp import SMTP, client_context, submit, transparent
from tests.harness.stack import ALICE, BOB, DNS_NAME, RELAY_NAME, STORE_NAME, WAIT, WEB_NAME, Port, Service
from tests.harness.worlds import Worlds, outside
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.containers import ComposeStack
    from tests.harness.processes import ProcessStack

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]

HEALTHY_WITHIN = 10.0  # seconds, with the images built
IDLE_MEMORY = 200 << 20  # octets, of all together
KILLS = 20


def test_healthy_soon(composed: ComposeStack, figure: Callable[[str, object], None]) -> None:
    figure("healthy after seconds", composed.ready_after)
    assert composed.ready_after <= HEALTHY_WITHIN
    for service in Service:
        assert composed.container(service).attrs["State"]["Health"]["Status"] == "healthy"


def test_images_are_built_here(composed: ComposeStack) -> None:
    """Under a name of the project's own, and never fetched: an image of that name in a registry would run here."""
    services = json.loads(composed.compose("config", "--format", "json"))["services"]
    assert services.keys() == {"init", *Service}
    assert {(service["pull_policy"], service.get("image"), "build" in service) for service in services.values()} == {
        ("build", None, True)
    }


def test_idle_memory(composed: ComposeStack, figure: Callable[[str, object], None]) -> None:
    composed.restart(*Service)  # others have sent mail through them
    memory = sum(map(composed.memory, Service))
    figure("idle octets", memory)
    assert memory <= IDLE_MEMORY


@pytest.mark.parametrize("service", Service)
def test_locked_in(composed: ComposeStack, service: Service) -> None:
    attributes = composed.container(service).attrs
    config, host = attributes["Config"], attributes["HostConfig"]
    assert config["User"].partition(":")[0] not in {"", "0", "root"}
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    assert host["Privileged"] is False
    assert host["Memory"] > 0
    published = [binding for ports in host["PortBindings"].values() for binding in ports]
    assert published
    assert {binding["HostIp"] for binding in published} == {"127.0.0.1"}
    assert not [mount for mount in attributes["Mounts"] if "docker.sock" in mount["Source"]]
    # What the kernel says, beside what Docker was asked.
    status = composed.run_in(service, "cat", "/proc/1/status")
    values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(values["CapEff"], 16) == 0
    assert int(values["CapBnd"], 16) == 0
    assert values["NoNewPrivs"] == "1"
    assert values["Uid"].split()[0] != "0"


@pytest.mark.parametrize(("service", "other"), [(Service.RELAY, "store"), (Service.STORE, "relay")])
def test_a_service_writes_no_journal_but_its_own(composed: ComposeStack, service: Service, other: str) -> None:
    """One that was taken over could else lead the other's writer to any file of its own by a link."""
    script = f"""
import os
os.listdir("/data/journal/{other}")
for folder in ("/data/journal", "/data/journal/{other}"):
    try:
        os.symlink("/data/mail/x", folder + "/link")
    except OSError as error:
        print(error.strerror)
open("/data/journal/{service}/note", "w").close()
os.unlink("/data/journal/{service}/note")
"""
    assert composed.run_in(service, "python", "-c", script).splitlines() == ["Read-only file system"] * 2


def test_the_store_is_no_host_port(composed: ComposeStack) -> None:
    bindings = composed.container(Service.STORE).attrs["HostConfig"]["PortBindings"]
    assert "25/tcp" not in bindings


@pytest.mark.parametrize("transport", [dns.query.udp, dns.query.tcp])
def test_the_network_is_where_it_was_moved(
    composed: ComposeStack, transport: Callable[..., dns.message.Message]
) -> None:
    endpoint = composed.endpoint(Port.DNS)
    for number, name in ((53, DNS_NAME), (25, RELAY_NAME), (143, STORE_NAME), (80, WEB_NAME)):
        response = transport(dns.message.make_query(name, "A"), endpoint.host, timeout=WAIT, port=endpoint.port)
        assert [record.to_text() for record in response.answer[0]] == [f"{composed.network}.{number}"]


# Says what becomes of a packet for another network, and of a name that no container has.
_OUTWARD = """
import errno, socket
def attempt(kind):
    with socket.socket(type=kind) as outward:
        outward.settimeout(20)
        outward.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: UDP is told of it too
        try:
            outward.connect(("192.0.2.1", 53))
            outward.send(b"x")
            outward.recv(1)
        except OSError as error:
            return errno.errorcode.get(error.errno, repr(error))
print(attempt(socket.SOCK_DGRAM), attempt(socket.SOCK_STREAM))
try:
    print(socket.gethostbyname("www.elsewhere.example"))
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("service", Service)
def test_nothing_leaves(composed: ComposeStack, service: Service) -> None:
    """A container reaches the others and nobody else: by TCP, by UDP, or by a name that Docker would look up."""
    packets, address = composed.run_in(service, "python", "-c", _OUTWARD).splitlines()
    assert packets == "EHOSTUNREACH EHOSTUNREACH"
    assert address == f"{composed.network}.143"  # the store, which captures what is addressed elsewhere


def test_ports_of_worlds_are_published(composed: ComposeStack) -> None:
    worlds = Worlds(cast("ProcessStack", composed))  # the API is all that is asked of it
    world = worlds.make("ports")
    try:
        first, last = map(int, composed.environment()["POSTROAD_WORLD_PORTS"].split("-"))
        opened = [worlds.api("POST", "/v1/worlds/ports/ports").body for _ in range(first, last + 1)]
        assert [(port["host"], port["port"]) for port in opened] == [("localhost", first), ("localhost", last)]
        composed.kill(Service.RELAY)
        composed.start(Service.RELAY)
        for port in (first, last):
            with smtplib.SMTP("localhost", port, timeout=WAIT) as client:
                client.sendmail("app@example.org", [ALICE.address], simple("By a port"))
        box = outside(world)
        assert len(arrived(composed, box, count=2)) == 2
    finally:
        worlds.drop("ports")
    # Docker's proxy takes the connection, and has nobody to pass it on to.
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        smtplib.SMTP("localhost", first, timeout=WAIT)


@pytest.mark.parametrize("service", [Service.DNS, Service.STORE])
def test_stopped_while_mail_is_queued(composed: ComposeStack, service: Service) -> None:
    # Nobody else writes to bob, so that the relay has not just asked where beta.test is.
    user, name = BOB, f"{service}.down@client.example"
    composed.stop(service)
    try:
        submit(composed, ALICE, [user.address], simple("Patience", message_id=name))
        # An address that is gone may take the whole time limit of a connection to be found out: what is waited for is
        # that the attempt has begun.
        begun = "deferred" if service is Service.DNS else "resolved"
        composed.wait_journal(Service.RELAY, begun, message_id=f"<{name}>")
    finally:
        composed.start(service)
    assert len(arrived(composed, user, where=lambda content: name.encode() in content)) == 1


@pytest.mark.parametrize("after", ["half of the content", "the final dot"])
def test_cut_off(composed: ComposeStack, after: str) -> None:
    """The relay loses its network in the midst of a message, or when it has it whole but has not answered."""
    user = composed.fresh_user()
    octets = transparent(simple("Cut off", b"x" * 70 + b"\r\n"))
    network, container = composed.private_network(), composed.container(Service.RELAY)
    acknowledged = False
    with SMTP(composed.endpoint(Port.SUBMISSION)) as session:
        session.ehlo()
        session.starttls(client_context(composed))
        session.login(user)
        session.envelope(user.address, [user.address])
        session.must("DATA", 354)
        if after == "the final dot":
            container.pause()
            session.send(octets)
        else:
            session.send(octets[:40])
        network.disconnect(container)
        try:
            if after == "the final dot":
                container.unpause()
            session.socket.settimeout(3)
            with contextlib.suppress(OSError):
                if after != "the final dot":
                    session.send(octets[40:])
                acknowledged = session.read().code == 250
        finally:
            network.connect(container, ipv4_address=f"{composed.network}.25", aliases=[Service.RELAY, RELAY_NAME])
    submit(composed, user, [user.address], simple("After"))
    arrived(composed, user, where=lambda content: b"Subject: After" in content)
    copies = arrived(composed, user, count=int(acknowledged), where=lambda content: b"Subject: Cut off" in content)
    assert len(copies) == 1 if acknowledged else len(copies) <= 1


@pytest.mark.parametrize("service", Service)
def test_killed_under_load(composed: ComposeStack, service: Service, figure: Callable[[str, object], None]) -> None:
    user = composed.fresh_user()
    with Load(composed, user) as load:
        for _ in range(KILLS):
            load.wait_for_more(20)
            composed.kill(service)
            composed.start(service)
        load.wait_for_more(20)
    received = arrivals(composed, user, load.acknowledged)
    twice = check_accounts(composed, load, received, kills=KILLS)
    figure("acknowledged", len(load.acknowledged))
    figure("unanswered", len(load.unanswered))
    figure("twice", twice)
    assert service is not Service.DNS or twice == 0
