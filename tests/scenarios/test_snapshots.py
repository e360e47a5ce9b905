"""Snapshots and the clock on a whole stack: mailboxes and queue come back exactly, time passes for the mail alone."""

from __future__ import annotations

import contextlib
import smtplib
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import imapclient
import pytest

from postroad_stack.api.client import Api, ApiError
from tests.harness.mailboxes import arrived, imap, parse
from tests.harness.processes import ProcessStack
from tests.harness.smtp import client_context
from tests.harness.stack import ALICE, Port, Service, User
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("snapshots")  # the tests go on from each other's mail
BOB = User("bob@beta.test", "builder")
SNAPSHOTS = "/v1/worlds/default/snapshots"
CLOCK = "/v1/worlds/default/clock"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    settings = {"POSTROAD_QUOTA": "2 messages", "POSTROAD_RETRY": "1h"}
    with ProcessStack(tmp_path_factory.mktemp("stack"), settings=settings) as stack:
        yield stack
        stack.check_logs()


@pytest.fixture
def api(stack: ProcessStack) -> Api:
    endpoint = stack.endpoint(Port.WEB)
    return Api(f"http://{endpoint.host}:{endpoint.port}")


def send(stack: ProcessStack, to: User, subject: str) -> str:
    """Send by the app door; return the queue ID."""
    endpoint = stack.endpoint(Port.APP)
    with smtplib.SMTP(endpoint.host, endpoint.port, timeout=30) as client:
        client.ehlo()
        client.mail("app@example.org")
        client.rcpt(to.address)
        return client.data(simple(subject))[1].decode().rpartition(" ")[2]


def deferred(api: Api, ident: str) -> dict[str, Any]:
    """Wait until a message is deferred; return its entry in the queue."""
    api.ask("POST", "/v1/wait", {"id": ident, "settled": False, "query": "state:deferred"})
    entry: dict[str, Any] = api.ask("GET", f"/v1/queue/{ident}")
    assert entry["recipients"][0]["state"] == "deferred"
    assert not entry["active"]
    return entry


@contextlib.contextmanager
def cut_off(stack: ProcessStack) -> Iterator[imapclient.IMAPClient]:
    """Open an IMAP session of bob's that the server ends."""
    endpoint = stack.endpoint(Port.IMAPS)
    client = imapclient.IMAPClient(endpoint.host, endpoint.port, ssl_context=client_context(stack), timeout=30)
    try:
        client.login(BOB.address, BOB.password)
        yield client
    finally:
        client.shutdown()


def facts(client: imapclient.IMAPClient) -> tuple[Any, ...]:
    """Return what SELECT and FETCH tell of INBOX."""
    selected = client.select_folder("INBOX")
    told = {name: selected[name] for name in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ", b"EXISTS")}
    items = ["FLAGS", "INTERNALDATE", "BODY.PEEK[]", "EMAILID", "MODSEQ"]
    messages = client.fetch(client.search(), items) if told[b"EXISTS"] else {}
    return told, {
        uid: {key: value for key, value in attributes.items() if key != b"SEQ"} for uid, attributes in messages.items()
    }


def test_mailboxes_and_queue_are_as_they_were(stack: ProcessStack, api: Api) -> None:
    seeded = []
    for number in (1, 2):
        seeded.append(send(stack, BOB, f"Seeded {number}"))
        arrived(stack, BOB, count=number)
    waiting = send(stack, BOB, "One too many")
    entry = deferred(api, waiting)
    with imap(stack, BOB) as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Flagged", b"Work"])
        before = facts(client)
    taken = api.ask("POST", SNAPSHOTS, {"name": "seeded"})
    assert (taken["messages"], taken["queued"]) == (2, 1)
    with pytest.raises(ApiError) as refused:
        api.ask("POST", SNAPSHOTS, {"name": "seeded"})
    assert refused.value.status == 409
    for fresh in (False, True):
        with imap(stack, BOB) as client:
            client.select_folder("INBOX")
            client.delete_messages([1, 2])
            client.expunge()
            client.create_folder("Later")
        late = send(stack, ALICE, "Later")
        arrived(stack, ALICE, where=lambda content: b"Later" in content)
        pushed = api.ask("POST", CLOCK, {"push": "90m"})  # now there is room for the third
        assert pushed["next"] is None
        assert [parse(content)["Subject"] for content in arrived(stack, BOB)] == ["One too many"]
        with cut_off(stack) as client:
            client.select_folder("INBOX")
            client.idle()
            api.ask("POST", f"{SNAPSHOTS}/seeded/restore", {"fresh": fresh})
            ((bye, *_),) = client.idle_check(timeout=30)
            assert bye == b"BYE"
        with imap(stack, BOB) as client:
            after = facts(client)
            assert not client.folder_exists("Later")
        now = after[0][b"UIDVALIDITY"]
        if fresh:
            assert after[0].pop(b"UIDVALIDITY") > before[0].pop(b"UIDVALIDITY")
        assert after == before
        (again,) = api.ask("GET", "/v1/queue")["messages"]
        assert (again["id"], again["attempts"]) == (waiting, entry["attempts"])
        assert again["recipients"] == entry["recipients"]
        for ident in seeded:
            (recipient,) = api.ask("GET", f"/v1/messages/{ident}")["recipients"]
            assert [copy["removed"] for copy in recipient["copies"] if copy["uid_validity"] == now] == [False]
        (recipient,) = api.ask("GET", f"/v1/messages/{waiting}")["recipients"]
        assert (recipient["state"], recipient["copies"]) == ("deferred", [])
        with pytest.raises(ApiError) as gone:
            api.ask("GET", f"/v1/messages/{late}")
        assert gone.value.status == 404
    assert api.ask("DELETE", f"{SNAPSHOTS}/seeded") is None
    assert api.ask("GET", SNAPSHOTS) == {"snapshots": []}
    api.ask("DELETE", "/v1/queue/" + waiting)


def test_time_passes_for_the_mail(stack: ProcessStack, api: Api) -> None:
    ahead = api.ask("GET", CLOCK)["ahead"]
    ident = send(stack, BOB, "For five days")  # bob has two messages already
    deferred(api, ident)
    began = time.time() + ahead
    api.ask("POST", CLOCK, {"push": "5d"})
    with pytest.raises(ApiError):
        api.ask("GET", f"/v1/queue/{ident}")
    api.ask("POST", "/v1/quiet", {})  # then all is in the journal
    events = [event for event in stack.journal(Service.RELAY) if event.get("queue_id") == ident]
    kinds = [event["kind"] for event in events]
    assert kinds.count("deferred") > 100
    assert kinds[-3:] == ["deferred", "expired", "reported"]
    assert [event.get("action") for event in events if event["kind"] == "reported"] == ["delayed", None]
    times = [event["time"] for event in events]
    assert times == sorted(times)
    (last,) = [event["time"] for event in events if event["kind"] == "expired"]
    assert last > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began + 5 * 86400 - 60))
    stack.restart(Service.RELAY)
    assert api.ask("GET", CLOCK)["ahead"] == ahead + 5 * 86400
    reports = api.ask("GET", "/v1/messages", query="is:report")["messages"]
    assert len(reports) >= 2
    assert all(report["arrived"] > times[0] for report in reports)


@pytest.mark.parametrize("killed", [Service.STORE, Service.RELAY, Service.WEB])
def test_a_restore_is_finished_whatever_is_killed(stack: ProcessStack, api: Api, killed: Service) -> None:
    with imap(stack, BOB) as client:
        before = facts(client)
    name = f"before {killed}"
    api.ask("POST", SNAPSHOTS, {"name": name})
    with imap(stack, BOB) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()
    stack.kill(killed)
    path = f"{SNAPSHOTS}/{name.replace(' ', '%20')}/restore"
    if killed is Service.WEB:
        stack.start(killed)
        api.ask("POST", path)
    else:
        with pytest.raises(ApiError) as away:
            api.ask("POST", path)
        assert away.value.status == 503
        stack.start(killed)
        api.ask("POST", path)
    with imap(stack, BOB) as client:
        assert facts(client) == before
    assert name in [snapshot["name"] for snapshot in api.ask("GET", SNAPSHOTS)["snapshots"]]


def test_a_world_of_its_own(stack: ProcessStack, api: Api) -> None:
    """Nothing of another world is in a snapshot; a world that is dropped takes its snapshots and its clock along."""
    for ident in ("one", "two"):
        api.ask(
            "POST", "/v1/worlds", {"id": ident, "domains": [{"name": f"{ident}.test", "accounts": [{"name": "bob"}]}]}
        )
    send(stack, User("bob@one.test", ""), "One")
    api.ask("POST", "/v1/quiet", world="one")
    taken = api.ask("POST", "/v1/worlds/one/snapshots", {"name": "seeded"})
    assert (taken["world"], taken["accounts"], taken["messages"]) == ("one", 1, 1)
    for ident in ("one", "two"):
        send(stack, User(f"bob@{ident}.test", ""), "Later")
        api.ask("POST", "/v1/quiet", world=ident)
    api.ask("POST", "/v1/worlds/one/clock", {"push": "2h"})
    assert api.ask("GET", "/v1/worlds/two/clock")["ahead"] == 0
    api.ask("POST", "/v1/worlds/one/snapshots/seeded/restore")
    for ident, subjects in (("one", ["One"]), ("two", ["Later"])):
        messages = api.ask("GET", "/v1/messages", world=ident)["messages"]
        assert [message["subject"] for message in messages] == subjects
    assert api.ask("GET", "/v1/worlds/one")["snapshots"] == ["seeded"]
    assert (stack.data / "spool" / "clocks" / "one").exists()
    for ident in ("one", "two"):
        api.ask("DELETE", f"/v1/worlds/{ident}")
    assert not (stack.data / "spool" / "clocks" / "one").exists()
    assert not (stack.data / "spool" / "snapshots" / "one").exists()
    with contextlib.closing(sqlite3.connect(stack.data / "mail" / "mail.sqlite")) as db:
        for table in ("snapshots", "restored", "kept_accounts", "kept_entries", "kept_message_ids"):
            whose = "world = 'one'" if "kept" not in table else "snapshot NOT IN (SELECT id FROM snapshots)"
            assert db.execute(f"SELECT count(*) FROM {table} WHERE {whose}").fetchone() == (0,)
    with pytest.raises(ApiError) as gone:
        api.ask("GET", "/v1/worlds/one/snapshots")
    assert gone.value.status == 404
