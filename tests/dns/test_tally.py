"""Counting responses."""

from __future__ import annotations

from postroad_dns import tally as module
from postroad_dns.tally import SILENT, Tally


def test_responses_are_counted_by_rcode_and_silence_as_a_query() -> None:
    tally = Tally()
    assert tally.figures() == (0, {})
    # The other half of the octet has RA, Z, AD and CD.
    tally.add(bytes((0x00, 0x83, 0x05, SILENT)))
    tally.add(b"\x10")
    tally.add(b"\x0e")  # no RCODE that has a name
    assert tally.figures() == (6, {"NOERROR": 2, "NXDOMAIN": 1, "REFUSED": 1, "14": 1})
    tally.add_one(b"\0\1\x84\x03" + bytes(8))
    tally.add_one(None)
    assert tally.figures() == (8, {"NOERROR": 2, "NXDOMAIN": 2, "REFUSED": 1, "14": 1})


def test_many_are_counted_now_and_then() -> None:
    assert module._MANY == 65536
    tally = Tally()
    batch = bytes((0, 3)) * 32
    batches = module._MANY // len(batch) * 2 + 1
    for _ in range(batches):
        tally.add(batch)
    assert len(tally._state[1]) <= module._MANY
    assert tally.figures() == (batches * 64, {"NOERROR": batches * 32, "NXDOMAIN": batches * 32})
