"""The Makefile's commands that ask a running stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.world.credentials import verify
from tests.harness.mailboxes import arrived
from tests.harness.smtp import submit
from tests.harness.stack import Service
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from tests.harness.containers import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]


@pytest.mark.parametrize("stopped", [Service.STORE, Service.RELAY])
def test_trace_on_a_bad_day(composed: ComposeStack, stopped: Service) -> None:
    user, name = composed.fresh_user(), f"<{stopped}.stopped@client.example>"
    submit(composed, user, [user.address], simple("Traced", message_id=name.strip("<>")))
    arrived(composed, user)
    composed.stop(stopped)
    try:
        assert f"Message {name}" in composed.make("trace", f"ID={name}")
    finally:
        composed.start(stopped)


def test_password(composed: ComposeStack) -> None:
    assert verify(composed.make("password", text="builder\n").strip(), "builder")


def test_queue(composed: ComposeStack) -> None:
    user = composed.fresh_user()
    composed.stop(Service.STORE)
    try:
        submit(composed, user, [user.address], simple("Queued"))
        assert user.address in composed.make("queue")
    finally:
        composed.start(Service.STORE)
    arrived(composed, user)
