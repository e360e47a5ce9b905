"""What a session is offered and has enabled, and how mailbox names are spelled for it."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.copy import MOVE
from postroad_store.imap.extensions import IMAP4REV2, UTF8_ACCEPT
from postroad_store.imap.grammar.reader import Reader
from postroad_store.imap.names import known_name, new_name
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import SPECS, Registry
from postroad_store.mail.model.errors import NameNotAllowed
from tests.harness.imap import Place, Wire
from tests.store.imap import toy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOME = Registry((*SPECS, *toy.SPECS), asked=["XBOX"])
LOGIN = "l LOGIN alice@alpha.test wonderland"


def test_sessions_that_have_the_same_share_it() -> None:
    offer = Offer(SOME)
    toys = offer.enabling([toy.XTOY])
    assert toys is offer.enabling([toy.XTOY])
    assert toys is not offer
    assert toys is toys.enabling([toy.XTOY])
    assert offer.hiding(frozenset({"MOVE"})) is offer.hiding(frozenset({"MOVE"}))
    assert offer.hiding(frozenset()) is offer
    assert offer.enabling([]) is offer


def test_nobody_else_keeps_it() -> None:
    offer = Offer(SOME)
    gone = [weakref.ref(offer.enabling([toy.XTOY])), weakref.ref(offer.hiding(frozenset({"MOVE"})))]
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_what_is_enabled() -> None:
    offer = Offer(SOME).enabling([toy.XTOYBOX])
    assert offer.has_enabled(toy.XTOYBOX)
    assert offer.has_enabled(toy.XTOY)  # it requires this one
    assert not offer.has_enabled(toy.XBOX)  # and this, which needs no enabling
    assert not offer.enabling([toy.XBOX]).has_enabled(toy.XBOX)


def test_what_is_hidden() -> None:
    offer = Offer(SOME)
    assert offer.offers(toy.XTOY)
    poorer = offer.hiding(frozenset({"xtoy"}))
    assert not poorer.offers(toy.XTOY)
    assert not poorer.enabling([toy.XTOY]).has_enabled(toy.XTOY)
    assert offer.hiding(frozenset({"XFOO", "IMAP4rev1"})).registry.offered == offer.registry.offered  # never hidden


def test_which_spelling_of_names() -> None:
    assert not Offer(SOME).utf8
    for capability in (UTF8_ACCEPT, IMAP4REV2):
        offer = Offer(SOME, frozenset({capability.name}))
        assert offer.utf8
        assert offer.rev2 == (capability is IMAP4REV2)


def test_which_literals() -> None:
    sizes = {("LITERAL-",): (1 << 63) - 1, ("LITERAL+",): 4096, ("LITERAL+", "LITERAL-"): None}
    for hidden, most in sizes.items():
        assert Offer(Registry(without=hidden)).non_synchronizing == most


def test_names() -> None:
    assert new_name(b"a&Awg-", utf8=False) == "a\u0308"  # RFC 9051 §6.3.4 is for names in UTF-8
    assert new_name(b"&AOQ-", utf8=False) == "ä" == new_name("ä".encode(), utf8=True)
    assert known_name(b"&AOQ-", utf8=True) == "&AOQ-"
    assert known_name(b"&", utf8=False) == "" == known_name(b"\xff", utf8=True)
    assert known_name("u\u0308".encode(), utf8=True) == "u\u0308"  # a mailbox of another client may have this name
    for octets, utf8, why in (
        (b"&", False, "Mailbox name is not valid mUTF-7"),
        (b"\xff", True, "Mailbox name is not valid UTF-8"),
        ("u\u0308".encode(), True, "Mailbox name is not in normalization form C"),
    ):
        with pytest.raises(NameNotAllowed, match=why):
            new_name(octets, utf8=utf8)


# In a session


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    place = Place(tmp_path, registry=SOME)
    wire = Wire(place)
    yield wire
    wire.end()
    place.close()


async def test_enable(wire: Wire) -> None:
    await wire.say(LOGIN)
    assert await wire.say("a ENABLE XTOY XBOX") == "* ENABLED XTOY\r\na OK Enabled.\r\n"
    assert await wire.say("b ENABLE xtoybox XTOY") == "* ENABLED XTOYBOX\r\nb OK Enabled.\r\n"
    assert await wire.say("c ENABLE XTOY XTOY") == "* ENABLED\r\nc OK Enabled.\r\n"
    session = wire.session
    assert session.has_enabled(toy.XTOYBOX)
    assert not session.rev2


async def test_enable_without_a_word(wire: Wire) -> None:
    await wire.say(LOGIN)
    assert wire.session.enable(toy.XTOY) == [toy.XTOY]
    assert wire.session.enable(toy.XTOY, toy.XBOX) == []
    assert wire.session.enable(toy.XTOYBOX, toy.XTOY) == [toy.XTOYBOX]
    assert wire.session.engine.data_to_send() == b""


@pytest.mark.parametrize(
    ("utf8", "name", "written"),
    [
        (False, "a", b"a"),
        (True, "a b", b'"a b"'),
        (False, "ä&", b"&AOQ-&-"),
        (True, "ä&", '"ä&"'.encode()),
        (True, 'ä"\\', '"ä\\"\\\\"'.encode()),
    ],
)
async def test_written(wire: Wire, utf8: bool, name: str, written: bytes) -> None:
    session = wire.session
    session.engine.make_offer(Offer(SOME, frozenset({UTF8_ACCEPT.name}) if utf8 else frozenset()))
    assert session.written(name) == written
    assert session.new_name(session.encoded(name)) == name == session.known_name(session.encoded(name))


def test_parsers_ask_the_reader() -> None:
    reader = Reader([b""], 0, Offer(Registry(without=["MOVE"]), frozenset({UTF8_ACCEPT.name})))
    assert reader.has_enabled(UTF8_ACCEPT)
    assert not reader.has_enabled(IMAP4REV2)
    assert not reader.offers(MOVE)
    assert Reader([b""]).offers(MOVE)  # a reader on its own hides nothing
    assert not Reader([b""]).has_enabled(UTF8_ACCEPT)
