"""Worlds, ports, mail, drops, kills in any order on a whole stack, beside a model of a few dictionaries: no leak."""

from __future__ import annotations

import itertools
import smtplib
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.harness.mailboxes import imap, parse
from tests.harness.processes import ProcessStack
from tests.harness.stack import ALICE, CAPTURE, WAIT, Port, Service, User
from tests.harness.worlds import Worlds, outside, user
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("red", "green", "blue")
RECIPIENTS = (*(f"bob@{ident}.test" for ident in IDS), ALICE.address, "ann@elsewhere.example")
_numbers = itertools.count()


class Machine(RuleBasedStateMachine):
    """One run; all of them share the stack, which is empty of worlds at the start of each."""

    stack: ProcessStack
    worlds: Worlds

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[str, dict[str, Any]] = {}
        self.mail: dict[str, set[str]] = {}  # subjects, by account
        self.subjects: dict[str, set[str]] = {}  # by world
        self.ports: dict[str, tuple[str, int]] = {}  # by world

    @rule(ident=st.sampled_from(IDS))
    def make(self, ident: str) -> None:
        if ident in self.alive:
            assert self.worlds.api("POST", "/v1/worlds", {"id": ident}).status == 409
            return
        self.alive[ident] = world = self.worlds.make(ident)
        self.subjects[ident] = set()
        self.mail |= {account.address: set() for account in (user(world, "bob"), outside(world))}

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        ident = data.draw(st.sampled_from(sorted(self.alive)))
        self.worlds.drop(ident)
        world = self.alive.pop(ident)
        self._is_closed(self.ports.pop(ident, None))
        for account in (user(world, "bob"), outside(world)):
            del self.mail[account.address]
        del self.subjects[ident]

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def open_port(self, data: st.DataObject) -> None:
        ident = data.draw(st.sampled_from(sorted(self.alive)))
        answer = self.worlds.api("POST", f"/v1/worlds/{ident}/ports")
        if ident in self.ports:
            assert answer.status == 409
        else:
            assert answer.status == 201
            self.ports[ident] = answer.body["host"], answer.body["port"]

    @precondition(lambda self: self.ports)
    @rule(data=st.data())
    def close_port(self, data: st.DataObject) -> None:
        ident = data.draw(st.sampled_from(sorted(self.ports)))
        port = self.ports.pop(ident)
        assert self.worlds.api("DELETE", f"/v1/worlds/{ident}/ports/{port[1]}").status == 204
        self._is_closed(port)

    def _is_closed(self, port: tuple[str, int] | None) -> None:
        if port is not None:
            with pytest.raises(ConnectionRefusedError):
                smtplib.SMTP(*port, timeout=WAIT)

    @rule(
        by=st.sampled_from([None, *IDS]),
        login=st.sampled_from([None, None, ALICE.address, *IDS, *(f"bob@{ident}.test" for ident in IDS)]),
        recipients=st.lists(st.sampled_from(RECIPIENTS), min_size=1, max_size=3, unique=True),
        spilled=st.booleans(),
    )
    def send(self, by: str | None, login: str | None, recipients: list[str], spilled: bool) -> None:
        subject = f"Letter {next(_numbers)}"
        content = simple(subject) + (b"x" * 70 + b"\r\n") * (5000 if spilled else 1)
        port = self.ports.get(by or "")
        login = login if port is None else None
        with smtplib.SMTP(*(port or self.stack.endpoint(Port.APP)), timeout=WAIT) as client:
            if login is not None:
                client.login(login, "any")
            client.sendmail("app@example.org", recipients, content)
        decided = by if port is not None else None
        if login is not None:
            name = login.partition("@")[2].removesuffix(".test") or login
            decided = name if name in self.alive else "default" if login == ALICE.address else None
        for recipient in recipients:
            own = recipient.partition("@")[2].removesuffix(".test")
            world = decided or (own if own in self.alive else "default")
            self.subjects.setdefault(world, set()).add(subject)
            if world in self.alive:
                account = recipient if own == world else outside(self.alive[world]).address
            else:
                account = recipient if recipient == ALICE.address else CAPTURE.address
            self.mail.setdefault(account, set()).add(subject)

    @rule(service=st.sampled_from([Service.DNS, Service.RELAY, Service.STORE, Service.WEB]))
    def kill(self, service: Service) -> None:
        self.stack.kill(service)
        self.stack.start(service)

    @rule()
    def compare(self) -> None:
        self._compare()

    def _compare(self) -> None:
        self._settle()
        for account, subjects in self.mail.items():
            # Earlier runs have left mail with the accounts of the file.
            delivered = self._found(account)
            assert delivered == subjects if account not in {ALICE.address, CAPTURE.address} else delivered >= subjects
        everything = set().union(*self.mail.values())
        for account in (ALICE.address, CAPTURE.address):
            assert self._found(account) & everything == self.mail.get(account, set())
        for ident in ("default", *self.alive):
            listed = self.worlds.api("GET", f"/w/{ident}/v1/messages?limit=500").body["messages"]
            shown = {message["subject"] for message in listed}
            assert shown & everything == self.subjects.get(ident, set()) & everything
        assert [sorted(listed) for listed in self.worlds.listed()] == [sorted(self.alive)] * 4
        (accounts,) = self.worlds.ask(lambda door: door.get("/accounts"), ["store"])
        domains = {account["login"].rpartition("@")[2] for account in accounts["accounts"]}
        assert domains & {f"{ident}.test" for ident in IDS} == {f"{ident}.test" for ident in self.alive}

    def _found(self, account: str) -> set[str]:
        known = {ALICE.address: ALICE, CAPTURE.address: CAPTURE}
        for world in self.alive.values():
            for owner in (user(world, "bob"), outside(world)):
                known[owner.address] = owner
        who: User = known[account]
        with imap(self.stack, who) as client:
            client.select_folder("INBOX", readonly=True)
            fetched = client.fetch(client.search(), ["BODY.PEEK[HEADER]"])
        return {str(parse(items[b"BODY[HEADER]"])["Subject"]) for items in fetched.values()}

    def _settle(self) -> None:
        """Wait until the queue is empty and the catalog has all of it."""
        deadline = time.monotonic() + WAIT
        while True:
            self.worlds.ask(lambda door: door.post("/queue/retry", {"ids": None}), ["relay"])
            (state,) = self.worlds.ask(lambda door: door.get("/state", wait=1), ["relay"])
            if not state["queued"] and not state["accepting"]:
                break
            assert time.monotonic() < deadline, state
        for ident in ("default", *self.alive):
            assert self.worlds.api("POST", f"/w/{ident}/v1/quiet", {"timeout": 20}).status == 200

    def teardown(self) -> None:
        self._compare()
        for ident in list(self.alive):
            self.worlds.drop(ident)


@pytest.mark.timeout(600)
def test_nothing_leaks_whatever_happens(tmp_path: Path) -> None:
    with ProcessStack(tmp_path, settings={"POSTROAD_RETRY": "1s", "POSTROAD_PORTS_PER_WORLD": "1"}) as stack:
        Machine.stack, Machine.worlds = stack, Worlds(stack)
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=4,
                stateful_step_count=14,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        Machine.stack.check_logs()
