"""Waits and quiet on a whole stack of processes: mail that was acknowledged is in every later count."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.smtp import SMTP
from tests.harness.stack import Port, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.stack import Stack

ROUNDS = 500


class Api:
    """A client of the native API."""

    def __init__(self, stack: Stack) -> None:
        endpoint = stack.endpoint(Port.WEB)
        self._connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        self._connection.request(method, path, None if body is None else json.dumps(body))
        answer = self._connection.getresponse()
        octets = answer.read()
        return answer.status, json.loads(octets) if octets else None

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        return self.ask("POST", path, body)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def api(stack: Stack) -> Iterator[Api]:
    client = Api(stack)
    try:
        yield client
    finally:
        client.close()


def mail(subject: str) -> bytes:
    return f"Subject: {subject}\r\n\r\nYour code is 482913.\r\n".encode()


def test_a_wait_is_answered_by_the_arrival(native: Stack) -> None:
    user = native.fresh_user()
    with SMTP(native.endpoint(Port.APP)) as session, api(native) as client:
        session.ehlo()
        answers: list[tuple[int, Any]] = []
        waiting = threading.Thread(
            target=lambda: answers.append(client.post("/v1/wait", recipient=user.address, subject="welcome"))
        )
        waiting.start()
        session.mail("noreply@shop.example", [user.address], mail("Other"))
        reply = session.mail("noreply@shop.example", [user.address], mail("Welcome"))
        waiting.join(30)
        ((status, answer),) = answers
        assert status == 200
        (message,) = answer["messages"]
        assert message["id"] == reply.text.split()[-1]
        assert message["state"] == "delivered"
        assert message["content"]["codes"][0]["value"] == "482913"
        assert message["recipients"][0]["copies"][0]["account"] == user.address
        status, answer = client.post("/v1/wait", recipient=user.address, after=message["id"], mode={"none": True})
        assert (status, answer["messages"]) == (200, [])


def test_a_bounce_is_a_result(native: Stack) -> None:
    sender = native.fresh_user()
    with SMTP(native.endpoint(Port.APP)) as session, api(native) as client:
        session.ehlo()
        reply = session.mail(sender.address, ["nobody@beta.test"], mail("To nobody"))
        status, answer = client.post("/v1/wait", id=reply.text.split()[-1])
        assert (status, answer["messages"][0]["state"]) == (200, "failed")
        status, answer = client.post("/v1/wait", recipient=sender.address, reports=True)
        assert (status, answer["messages"][0]["about"]) == (200, reply.text.split()[-1])


def test_a_time_out_says_why(native: Stack) -> None:
    user = native.fresh_user()
    with api(native) as client:
        native.stop(Service.STORE)
        try:
            with SMTP(native.endpoint(Port.APP)) as session:
                session.ehlo()
                reply = session.mail("noreply@shop.example", [user.address], mail("Late"))
            ident = reply.text.split()[-1]
            status, problem = client.post("/v1/wait", recipient=user.address, timeout=2)
            assert status == 408
            under_way = {delivery["id"]: delivery for delivery in problem["under_way"]}
            assert under_way[ident]["recipient"] == user.address
            assert "next try in" in under_way[ident]["detail"]
            status, problem = client.post("/v1/quiet", timeout=0.2)
            assert status in {408, 503}
        finally:
            native.start(Service.STORE)
        client.post("/v1/queue/retry")
        status, answer = client.post("/v1/wait", recipient=user.address, timeout=30)
        assert (status, answer["messages"][0]["id"]) == (200, ident)


@pytest.mark.slow
def test_five_hundred_waits_at_a_time_are_each_answered_with_their_own(native: Stack) -> None:
    prefix = native.fresh_user().address.partition("@")[0]
    endpoint = native.endpoint(Port.WEB)
    waits: list[socket.socket] = []
    with ExitStack() as stack, SMTP(native.endpoint(Port.APP)) as session:
        for number in range(ROUNDS):
            body = json.dumps({"recipient": f"{prefix}-{number}@waits.example", "timeout": 60}).encode()
            head = f"POST /v1/wait HTTP/1.1\r\nHost: web\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            wait = stack.enter_context(socket.create_connection(endpoint, timeout=60))
            wait.sendall(head.encode() + body)
            waits.append(wait)
        session.ehlo()
        replies = [
            session.mail("noreply@shop.example", [f"{prefix}-{number}@waits.example"], mail(f"Welcome {number}"))
            for number in range(ROUNDS)
        ]
        for number, (wait, reply) in enumerate(zip(waits, replies, strict=True)):
            answer, _, octets = b"".join(iter(lambda: wait.recv(1 << 16), b"")).partition(b"\r\n\r\n")  # noqa: B023
            assert answer.startswith(b"HTTP/1.1 200 "), octets
            (message,) = json.loads(octets)["messages"]
            assert (message["id"], message["subject"]) == (reply.text.split()[-1], f"Welcome {number}")


def test_send_quiet_count_never_misses(native: Stack) -> None:
    chance = random.Random(7)
    name, _, domain = native.fresh_user().address.partition("@")
    with SMTP(native.endpoint(Port.APP)) as session, api(native) as client:
        session.ehlo()
        for round_ in range(ROUNDS):
            address = f"{name}+{round_}@{domain}"
            count = chance.randrange(3)
            for number in range(count):
                session.mail("noreply@shop.example", [address], mail(f"{round_} {number}"))
            status, problem = client.post("/v1/quiet", timeout=30)
            assert status == 200, (round_, problem)
            page = client.ask("GET", f"/v1/messages?query=rcpt:{address}")[1]
            assert [message["state"] for message in page["messages"]] == ["delivered"] * count, round_
