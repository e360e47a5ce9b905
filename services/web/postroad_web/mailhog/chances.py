"""Jim's chances, and the relay's faults that they are. Pure.

A chance is from 0 to 1; what is beyond counts as the nearest of the two. MailHog's own defaults are for a body that
can't be read; in one that can, what is left out is 0, and with no chance to be accepted nobody is.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from postroad.value import value
from postroad_web.mailpit.gojson import BadJsonError

if TYPE_CHECKING:
    from postroad_web.mailpit.gojson import Struct

_JIM = "mailhog"  # whose words the relay's refusals have while Jim is there
_REFUSED = 550  # MailHog's code for a sender or a recipient
_NO_AUTH = 500
LEAST_SPEED = 1.0  # octets per second


@value
class Chances:
    """MailHog's members in its order, with its defaults; speeds are in octets per second."""

    disconnect_chance: float = 0.005
    accept_chance: float = 0.99
    link_speed_affect: float = 0.1
    link_speed_min: float = 1024.0
    link_speed_max: float = 10240.0
    reject_sender_chance: float = 0.05
    reject_recipient_chance: float = 0.05
    reject_auth_chance: float = 0.05

    def shape(self) -> dict[str, Any]:
        """Return MailHog's JSON; Go writes a whole number without a point."""
        return {_member(field.name): _short(getattr(self, field.name)) for field in fields(self)}


def chances_in(asked: Struct) -> tuple[Chances, int]:
    """Return the chances of a request, and the seed, which is ours and 0 by default; raises `BadJsonError`."""
    values = [asked.real(_member(field.name)) for field in fields(Chances)]
    seed = asked.number("Seed")
    if not 0 <= seed < 1 << 53:
        raise BadJsonError("Seed is out of range")
    return Chances(*values), seed


def faults_of(chances: Chances, seed: int) -> dict[str, Any]:
    """Return the relay's faults."""
    slowest = min(max(LEAST_SPEED, chances.link_speed_min), 1e12)
    return {
        "seed": seed,
        "words": _JIM,
        "mail": {"code": _REFUSED, "probability": _percent(chances.reject_sender_chance)},
        "rcpt": {"code": _REFUSED, "probability": _percent(chances.reject_recipient_chance)},
        "auth": {"code": _NO_AUTH, "probability": _percent(chances.reject_auth_chance)},
        "link": {
            "refused": _percent(1 - chances.accept_chance),
            "lost": _percent(chances.disconnect_chance),
            "slow": _percent(chances.link_speed_affect),
            "slowest": slowest,
            "fastest": min(max(slowest, chances.link_speed_max), 1e12),
        },
    }


def chances_of(faults: dict[str, Any]) -> Chances | None:
    """Return the chances that the relay's faults are, None without Jim."""
    if faults.get("words") != _JIM:
        return None
    link = faults["link"]
    return Chances(
        disconnect_chance=_chance(link["lost"]),
        accept_chance=_chance(100 - link["refused"]),
        link_speed_affect=_chance(link["slow"]),
        link_speed_min=link["slowest"],
        link_speed_max=link["fastest"],
        reject_sender_chance=_chance(faults["mail"]["probability"]),
        reject_recipient_chance=_chance(faults["rcpt"]["probability"]),
        reject_auth_chance=_chance(faults["auth"]["probability"]),
    )


def _member(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _short(value: float) -> float:
    return int(value) if value.is_integer() else value


def _percent(chance: float) -> float:
    return round(min(max(chance, 0.0), 1.0) * 100, 10)


def _chance(percent: float) -> float:
    return round(float(percent) / 100, 12)
