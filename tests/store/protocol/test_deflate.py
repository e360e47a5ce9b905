"""DEFLATE alone: what is said is read at once, what comes is taken in blocks, and a stream can go on with another."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.protocol.deflate import BLOCK, Deflate, GarbledError, Inflate


def compressed(*pieces: bytes, end: bool = False) -> bytes:
    """Return the pieces as a client compresses them."""
    stream = zlib.compressobj(wbits=-15)
    octets = b"".join(stream.compress(piece) + stream.flush(zlib.Z_SYNC_FLUSH) for piece in pieces)
    return octets + stream.flush(zlib.Z_FINISH) if end else octets


@given(st.lists(st.tuples(st.binary(max_size=3000), st.booleans())))
def test_a_client_reads_all_that_was_said(said: list[tuple[bytes, bool]]) -> None:
    deflate, client = Deflate(), zlib.decompressobj(-15)
    for octets, resting in said:
        assert client.decompress(deflate.compress(octets) + deflate.flush()) == octets
        if resting:
            deflate.rest()
    assert client.decompress(deflate.finish()) == b""
    assert client.eof


def test_nothing_to_say() -> None:
    assert Deflate().flush() == b""


@given(st.lists(st.binary(max_size=3000)), st.integers(1, 50))
def test_what_comes_in_pieces(pieces: list[bytes], size: int) -> None:
    inflate, octets = Inflate(), compressed(*pieces)
    got = b""
    for at in range(0, len(octets), size):
        inflate.receive(octets[at : at + size])
        while inflate.waiting:
            got += inflate.take()
    assert got == b"".join(pieces)


def test_a_few_octets_that_stand_for_many_are_taken_in_blocks() -> None:
    inflate = Inflate()
    inflate.receive(compressed(b"x" * 10_000_000))
    sizes = []
    while inflate.waiting:
        sizes.append(len(inflate.take()))
    assert sum(sizes) == 10_000_000
    assert max(sizes) == BLOCK


@pytest.mark.parametrize("length", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_after_a_full_block_there_may_be_more(length: int) -> None:
    inflate = Inflate()
    inflate.receive(compressed(b"x" * length))
    sizes = []
    while inflate.waiting:
        sizes.append(len(inflate.take()))
    assert sum(sizes) == length
    assert sizes[:-1] == [BLOCK] * (length // BLOCK)
    assert sizes[-1] < BLOCK


@pytest.mark.parametrize("cut", range(8))
def test_it_reads_no_further_than_the_client_has_flushed(cut: int) -> None:
    """Wherever the octets are cut, and though more of them have come."""
    stream = zlib.compressobj(wbits=-15)
    first, second = ((stream.compress(word) + stream.flush(zlib.Z_SYNC_FLUSH)) for word in (b"one", b"two"))
    inflate = Inflate()
    inflate.receive(first[: len(first) - cut])
    taken = inflate.take()
    inflate.receive(first[len(first) - cut :] + second)
    if cut:
        taken += inflate.take()
    assert (taken, inflate.at_end) == (b"one", True)
    assert inflate.take() == b"two"
    assert (inflate.at_end, inflate.left(), inflate.waiting) == (True, b"", False)


@pytest.mark.parametrize("octets", [b"a NOOP\r\n", b"\xff" * 10, compressed(b"x") + b"b NOOP\r\n"])
def test_what_is_not_compressed(octets: bytes) -> None:
    inflate = Inflate()
    inflate.receive(octets)

    def take_all() -> None:
        while inflate.waiting:
            inflate.take()

    with pytest.raises(GarbledError):
        take_all()


def test_behind_the_end_of_the_stream() -> None:
    inflate = Inflate()
    inflate.receive(compressed(b"last", end=True) + b"plain")
    assert inflate.take() == b"last"
    assert inflate.waiting
    assert inflate.take() == b""
    assert inflate.at_end
    with pytest.raises(GarbledError):
        inflate.take()
    assert inflate.left() == b"plain"
    assert not inflate.waiting


def test_no_further_than_flushed() -> None:
    inflate = Inflate()
    inflate.receive(compressed(b"first", b"last") + b"plain")
    assert inflate.take() == b"first"
    assert inflate.at_end
    assert inflate.take() == b"last"
    assert inflate.at_end
    assert inflate.left() == b"plain"


def test_flushed_octet_by_octet() -> None:
    inflate = Inflate()
    ends = []
    for number, octet in enumerate(octets := compressed(b"first", b"last")):
        inflate.receive(bytes([octet]))
        while inflate.waiting:
            inflate.take()
        if inflate.at_end:
            ends.append(number + 1)
    assert ends == [len(compressed(b"first")), len(octets)]
