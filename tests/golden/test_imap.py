"""IMAP's commands by state, and what CAPABILITY lists, word by word; POSTROAD_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.registry import SPECS, Registry
from postroad_store.imap.spec import Conditions
from postroad_store.imap.states import State
from postroad_store.imap.table import table
from tests.harness.sasl import channel, nobodys

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "imap"


def before(*, secure: bool = False, tls: bool = True, plaintext_auth: bool = False) -> Conditions:
    """Return the conditions before login, in a world that has plain passwords."""
    mechanisms = nobodys("imap", plaintext_auth=plaintext_auth).offered(channel(secure=secure))
    return Conditions(State.NOT_AUTHENTICATED, secure, tls, plaintext_auth, 1000, mechanisms)


WHERE = {
    "plaintext": before(),
    "password": before(plaintext_auth=True),  # POSTROAD_PLAINTEXT_AUTH=on
    "no-tls": before(tls=False),  # the server has no certificate
    "tls": before(secure=True),
    "login": Conditions(State.AUTHENTICATED, secure=True, tls=True, plaintext_auth=False, message_size=1000),
}


def capabilities() -> str:
    """Return a line for each capability: how it is spelled, and where it is listed, in this order."""
    known = {each for spec in SPECS for each in (spec.capability, *spec.extensions) if each is not None}
    registry = Registry(asked=[each.name.decode("ascii") for each in known if each.on_request])
    lines = [f"{'':28}" + "".join(f"{where:>10}" for where in WHERE)]
    for each in registry.offered:
        more = "  by ENABLE" * each.enables + "  on request" * each.on_request + "  never hidden" * bool(each.kept)
        more += f"  unless {each.covered_by.decode()}" * bool(each.covered_by)
        marks = ("yes" if each.shown(conditions) else "-" for conditions in WHERE.values())
        lines.append(f"{each.text(before()).decode():28}" + "".join(f"{mark:>10}" for mark in marks) + more)
    return "\n".join(lines) + "\n"


def commands() -> str:
    return table(Registry()) + "\n"


@pytest.mark.parametrize("written", [capabilities, commands], ids=lambda written: written.__name__)
def test_the_lists_are_the_golden_ones(written: Callable[[], str]) -> None:
    path = HERE / f"{written.__name__}.txt"
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        HERE.mkdir(exist_ok=True)
        path.write_text(written(), encoding="ascii")
    assert written() == path.read_text(encoding="ascii")
