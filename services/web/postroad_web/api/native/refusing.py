"""The answers to what the keeper of worlds refuses."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from postroad.control.client import DoorRefused
from postroad.world.overlay import Fault, OverlayError
from postroad_web.api.problem import Problem
from postroad_web.worlds.keeper import Beyond, Keeper, NoSuchPort, NoSuchWorld, Taken, Unwritable
from postroad_web.worlds.plan import NoSuchDomain

_FAULT = re.compile(r"(?P<field>[a-z_]+(?:\.\w+)*): (?:imap_without: )?(?P<sentence>.+)", re.DOTALL)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_web.api.services import Services


def keeper_of(services: Services) -> Keeper:
    """Return the keeper; raises `Problem` where there is none."""
    if not isinstance(services.worlds, Keeper):
        raise Problem(503, "No worlds are kept", "This service keeps no worlds.")
    return services.worlds


def missing(ident: str) -> Problem:
    """Return the problem that the API has made no such world."""
    return Problem(404, "No such world", f"There is no world {ident[:64]} that the API has made.")


@contextmanager
def problems() -> Iterator[None]:
    """Answer what the keeper says of a request."""
    try:
        yield
    except OverlayError as error:
        raise _wrong(error) from None
    except Taken as taken:
        raise Problem(409, "Another world has it", f"{taken}.", world=taken.world) from None
    except Beyond as beyond:
        raise Problem(409, "There is a limit", f"{beyond}.") from None
    except NoSuchWorld as world:
        raise missing(str(world)) from None
    except NoSuchDomain as domain:
        raise Problem(404, "No such domain", f"The world has no domain {domain}.") from None
    except NoSuchPort as port:
        raise Problem(404, "No such port", f"The world has no port {port}.") from None
    except Unwritable as fault:
        raise Problem(507, "The worlds can't be written", f"{fault}.") from None
    except DoorRefused as refused:
        if refused.status not in {409, 422}:
            raise
        raise _refused(refused) from None


def _refused(refused: DoorRefused) -> Problem:
    """Return what a service has found wrong; the store alone knows which capabilities can be hidden."""
    fault = _FAULT.fullmatch(refused.sentence)
    if refused.status != 422 or fault is None:
        return Problem(refused.status, "A service refuses it", f"{refused}.")
    return _wrong(OverlayError((Fault(fault["field"], fault["sentence"]),)))


def _wrong(error: OverlayError) -> Problem:
    faults = error.faults[:20]
    return Problem(
        422,
        "The request is not right",
        "; ".join(f"{fault.field}: {fault.sentence}" for fault in faults) + ".",
        errors=[
            {"field": fault.field, "detail": fault.sentence} | ({} if fault.line is None else {"line": fault.line})
            for fault in faults
        ],
    )
