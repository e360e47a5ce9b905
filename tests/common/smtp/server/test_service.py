"""What a client can make us keep, and how much more the next hop takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postroad.smtp.server.service import Limits, Listener, Purpose


def test_limits() -> None:
    assert Limits() == Limits(
        message_size=52428800,
        recipients=1000,
        header_size=1048576,
        header_lines=5000,
        line=1000,
        connections=500,
        connections_per_address=100,
        errors=20,
        command_timeout=300,
        data_timeout=180,
    )


def test_the_next_hop_takes_what_trace_fields_make_of_it() -> None:
    limits = Limits(message_size=1000, header_size=500, header_lines=20)
    assert limits.with_room_for_trace_fields() == replace(
        limits, message_size=1000 + 65536, header_size=500 + 65536, header_lines=220
    )


@pytest.mark.parametrize(
    ("purpose", "tls", "implicit"),
    [
        (Purpose.TRANSFER, False, False),
        (Purpose.TRANSFER, True, True),
        (Purpose.SUBMISSION, False, False),
        (Purpose.SUBMISSIONS, False, True),  # RFC 8314 §3.3
        (Purpose.SUBMISSIONS, True, True),
    ],
)
def test_which_listeners_speak_tls_from_the_first_octet(purpose: Purpose, *, tls: bool, implicit: bool) -> None:
    assert Listener("127.0.0.1", 0, purpose, tls=tls).implicit_tls is implicit
    assert Listener("127.0.0.1", 0) == Listener("127.0.0.1", 0, Purpose.TRANSFER, starttls=True, tls=False, world=None)
