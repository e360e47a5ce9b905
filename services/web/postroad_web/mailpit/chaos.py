"""/api/v1/chaos: Mailpit's faults by probability, which the relay injects at the app door and the submission port.

With the same seed and the same traffic the relay refuses the same commands. Mailpit knows no seed: here it is a member
that clients may leave out.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from postroad_web.mailpit.endpoint import Call, Refused, json

if TYPE_CHECKING:
    from starlette.responses import Response

    from postroad_web.mailpit.gojson import Struct

# Mailpit's name, the relay's, the code by default
_TRIGGERS = (("Sender", "mail", 451), ("Recipient", "rcpt", 451), ("Authentication", "auth", 535))


async def chaos(call: Call) -> Response:
    """Answer the triggers. Mailpit's probabilities are whole numbers, and some clients can't read others."""
    return json(_shape(await call.mailbox.services.relay.get("/faults", world=call.mailbox.world)))


async def set_chaos(call: Call) -> Response:
    """Set the triggers; those that are left out are off."""
    faults = _faults(await call.struct())
    mailbox = call.mailbox
    return json(_shape(await mailbox.services.relay.put("/faults", faults, world=mailbox.world)))


def _faults(asked: Struct) -> dict[str, Any]:
    faults: dict[str, Any] = {"seed": asked.number("Seed")}
    for name, fault, default in _TRIGGERS:
        trigger = asked.struct(name)
        code, probability = trigger.number("ErrorCode") or default, trigger.number("Probability")
        if not 400 <= code <= 599:
            raise Refused(400, "error code must be between 400 and 599")
        if not 0 <= probability <= 100:
            raise Refused(400, "probability must be between 0 and 100")
        faults[fault] = {"code": code, "probability": probability}
    return faults


def _shape(faults: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"ErrorCode": faults[fault]["code"], "Probability": ceil(faults[fault]["probability"])}
        for name, fault, _ in _TRIGGERS
    }
