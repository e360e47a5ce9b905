"""The registry: what is derived from the commands' Specs, and a toy command that is added to them."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.registry import MOST_LISTS, SPECS, CannotAsk, CannotHide, Registry
from postroad_store.imap.spec import Conditions
from postroad_store.imap.states import TRANSITIONS, State
from postroad_store.imap.table import table
from tests.harness.imap import Place, Wire
from tests.store.imap import toy

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {each.name: each for spec in SPECS for each in (spec.capability, *spec.extensions) if each is not None}
ASKED = [name.decode() for name, each in KNOWN.items() if each.on_request]
HIDEABLE = sorted(name.decode() for name, each in KNOWN.items() if not each.kept)
SOURCE = r"RFC \d{4}( §\d+(\.\d+)*| appendix A)?|draft-[a-z-]+|Google's (XOAUTH2|X-GM-EXT-1)"
LOGIN = "l LOGIN alice@alpha.test wonderland"


def test_every_event_has_one_handler() -> None:
    for spec in SPECS:
        assert Registry(asked=ASKED).handlers[spec.event] is spec.handle


def test_every_command_names_its_rfc() -> None:
    for spec in SPECS:
        capabilities = spec.extensions if spec.capability is None else (spec.capability, *spec.extensions)
        for rfc in (spec.rfc, *(capability.rfc for capability in capabilities)):
            # A page of Google's has no number.
            assert re.fullmatch(SOURCE, rfc)


@pytest.mark.parametrize(
    ("name", "state", "text"),
    [
        (b"FETCH", State.AUTHENTICATED, "No mailbox selected"),
        (b"FETCH", State.NOT_AUTHENTICATED, "Please log in first"),
        (b"LOGIN", State.SELECTED, "Already logged in"),
        (b"XFOO", State.SELECTED, "Error in IMAP command XFOO: Unknown command"),
    ],
)
def test_refusal(name: bytes, state: State, text: str) -> None:
    assert Registry().refusal(name, state) == text
    assert name not in Registry().legal[state]


def test_nothing_leaves_logout() -> None:
    assert not TRANSITIONS[State.LOGOUT]
    assert not Registry().legal[State.LOGOUT]


def conditions(state: State, *, secure: bool = False, tls: bool = True, plaintext_auth: bool = False) -> Conditions:
    return Conditions(state, secure, tls, plaintext_auth, message_size=1000)


def test_the_table_prints() -> None:
    lines = table(Registry(asked=ASKED)).splitlines()
    assert len(lines) == 1 + len(SPECS)
    assert lines[0].split() == ["not", "authenticated", "authenticated", "selected", "logout"]
    assert "UID FETCH                      BAD                 BAD                 yes              closed" in lines


@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
def test_it_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("postroad_store.imap.table", run_name="__main__")
    assert capsys.readouterr().out == table(Registry()) + "\n"


# Capabilities that are hidden; what clients then see is in tests/dialogues/imap/without-*.txt


def test_a_hidden_command_is_unknown() -> None:
    registry = Registry(without=["move", "Idle"])
    assert registry.by_name.keys() == Registry().by_name.keys() - {b"MOVE", b"UID MOVE", b"IDLE"}
    assert registry.refusal(b"MOVE", State.SELECTED) == "Error in IMAP command MOVE: Unknown command"
    assert b"MOVE" not in registry.capabilities(conditions(State.SELECTED)).split()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("FOO", "there is no IMAP capability FOO"),
        ("imap4rev1", "IMAP4rev1 cannot be hidden, it is the protocol itself"),
        (
            "LOGINDISABLED",
            "LOGINDISABLED cannot be hidden, it says that passwords need TLS (see POSTROAD_PLAINTEXT_AUTH)",
        ),
    ],
)
def test_what_cannot_be_hidden(name: str, why: str) -> None:
    with pytest.raises(CannotHide) as caught:
        Registry(without=["MOVE", name])
    assert str(caught.value) == f"{why}; these can be hidden: {', '.join(HIDEABLE)}"


@pytest.mark.parametrize("name", HIDEABLE)
def test_hidden_by_the_operator_or_for_an_account(name: str) -> None:
    """The capability is nowhere: not listed, not enabled, no command; nor is what requires it."""
    for registry in (Registry(without=[name.lower()], asked=ASKED), Registry(asked=ASKED).poorer([name])):
        assert not registry.offers(KNOWN[name.encode()])
        for each in (*registry.offered, *registry.enabling.values()):
            assert each.name != name.encode()
            assert name.encode() not in each.requires
        for spec in registry.by_name.values():
            assert spec.capability is None or registry.offers(spec.capability)
        assert registry.by_name.keys() <= Registry(asked=ASKED).by_name.keys()


def test_all_that_can_be_hidden_at_once() -> None:
    registry = Registry(without=HIDEABLE)
    assert registry.capabilities(conditions(State.SELECTED)) == b"IMAP4rev1"
    assert Registry(without=["MOVE"]).poorer(HIDEABLE).capabilities(conditions(State.SELECTED)) == b"IMAP4rev1"


# Capabilities that require others, and those that are offered on request


def test_what_requires_another_is_hidden_with_it() -> None:
    specs = (*SPECS, *toy.SPECS)
    assert {b"XTOY", b"XBOX", b"XTOYBOX"} <= Registry(specs, asked=["xbox"]).by_name.keys()
    assert Registry(specs, asked=["XBOX"], without=["xtoy"]).by_name.keys().isdisjoint({b"XTOY", b"XTOYBOX"})
    assert Registry(specs).by_name.keys() & {b"XTOY", b"XBOX", b"XTOYBOX"} == {b"XTOY"}
    assert b"XBOX" in Registry(specs, asked=["XBOX"]).poorer(["XTOY"]).by_name
    assert b"XBOX" not in Registry(specs, asked=["XBOX"]).poorer(["XBOX"]).by_name


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(CannotAsk) as caught:
        Registry((*SPECS, *toy.SPECS), asked=["XBOX", "move"])
    choices = ", ".join(sorted([*ASKED, "XBOX"]))
    assert str(caught.value) == f"move is no IMAP capability that is offered on request alone; these are: {choices}"


# A toy command: one module (toy.py) and one line in the list


async def test_a_toy_command(tmp_path: Path) -> None:
    registry = Registry((*SPECS, *toy.SPECS))
    place = Place(tmp_path, registry=registry)
    wire = Wire(place)
    try:
        assert "XTOY" not in (await wire.until(1)).decode()
        assert await wire.say("a XTOY duck") == "a BAD Please log in first\r\n"
        assert " XTOY] Logged in\r\n" in await wire.say(LOGIN)
        assert await wire.say('b XTOY "rubber duck"') == "* XTOY RUBBER DUCK\r\nb OK Toy completed.\r\n"
        assert await wire.say("c XTOY") == "c BAD Error in IMAP command XTOY: Missing argument\r\n"
        assert await wire.say(f"d XTOY {'y' * 12}") == "d NO [LIMIT] Error in IMAP command XTOY: Toy too large\r\n"
    finally:
        wire.end()
        place.close()
    assert "XTOY                           BAD                 yes                 yes              closed" in table(
        registry
    )
    assert b"XTOY" not in Registry((*SPECS, *toy.SPECS), without=["XTOY"]).by_name


def test_lists_are_remembered_within_bounds() -> None:
    registry = Registry()
    for number in range(2 * MOST_LISTS):
        listed = registry.capabilities(replace(conditions(State.SELECTED), message_size=number))
        assert b"APPENDLIMIT=%d" % number in listed.split()
        assert len(registry._listed) <= MOST_LISTS
    assert registry.capabilities(conditions(State.SELECTED)) is registry.capabilities(conditions(State.SELECTED))
