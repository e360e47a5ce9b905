"""What a client can make us keep, and how much more the next hop takes."""

from __future__ import annotations

from dataclasses import replace

from postroad.smtp.server.service import Limits


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
