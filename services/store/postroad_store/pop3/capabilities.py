"""POP3's capabilities (RFC 2449): what CAPA lists, which commands each brings, and what is left if some are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.pop3.commands import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@value
class Policy:
    """What the settings say to POP3 clients."""

    expire: int | None = None  # days for which mail is kept at least; None: for ever, 0: what is retrieved goes
    login_delay: float = 0.0  # seconds between two logins of an account


@value
class Conditions:
    """What a line of CAPA depends on."""

    state: State
    secure: bool  # TLS is in use
    tls: bool  # STLS may be offered
    private: bool  # passwords are taken: over TLS, or because the settings allow it
    mechanisms: tuple[str, ...]  # of SASL, that can be used now
    policy: Policy


def _always(_: Conditions) -> bool:
    return True


@value
class Capability:
    """One capability; `arguments` returns what stands behind its tag, "" for nothing."""

    tag: str
    rfc: str
    commands: tuple[str, ...] = ()  # that are unknown without it
    shown: Callable[[Conditions], bool] = _always
    arguments: Callable[[Conditions], str] = lambda _: ""


def _expire(conditions: Conditions) -> str:
    expire = conditions.policy.expire
    return "NEVER" if expire is None else str(expire)


def _delay(conditions: Conditions) -> str:
    return str(max(1, round(conditions.policy.login_delay)))


# In the order of CAPA's lines.
CAPABILITIES = (
    Capability("TOP", "RFC 2449 §6.1", ("TOP",)),
    Capability("UIDL", "RFC 2449 §6.8", ("UIDL",)),
    Capability("RESP-CODES", "RFC 2449 §6.4"),
    Capability("AUTH-RESP-CODE", "RFC 3206 §6"),
    Capability("PIPELINING", "RFC 2449 §6.6"),
    Capability("EXPIRE", "RFC 2449 §6.7", arguments=_expire),
    Capability("LOGIN-DELAY", "RFC 2449 §6.5", (), lambda conditions: conditions.policy.login_delay > 0, _delay),
    Capability(
        "STLS",
        "RFC 2595 §4",
        ("STLS",),
        lambda conditions: conditions.tls and not conditions.secure and conditions.state is State.AUTHORIZATION,
    ),
    # RFC 2595 §2.3: USER and SASL are listed where they would be accepted
    Capability("USER", "RFC 2449 §6.2", ("USER", "PASS"), lambda conditions: conditions.private),
    Capability(
        "SASL",
        "RFC 5034 §3",
        ("AUTH",),
        lambda conditions: bool(conditions.mechanisms),
        lambda conditions: " ".join(conditions.mechanisms),
    ),
    Capability("UTF8", "RFC 6856 §2", ("UTF8",), arguments=lambda _: "USER"),
    Capability("LANG", "RFC 6856 §3", ("LANG",)),
    # RFC 2449 §6: APOP has no line; the timestamp in the greeting says that it is there
    Capability("APOP", "RFC 1939 §7", ("APOP",), lambda _: False),
    Capability("IMPLEMENTATION", "RFC 2449 §6.9", arguments=lambda _: "Postroad"),
)


class CannotHide(ValueError):  # noqa: N818 - what the operator reads
    """There is no such capability; the message says which ones can be hidden."""


class Offer:
    """The capabilities without some that are hidden, named in any case; raises `CannotHide`."""

    def __init__(self, without: Iterable[str] = ()) -> None:
        hidden = {tag.upper() for tag in without}
        if unknown := hidden - {capability.tag for capability in CAPABILITIES}:
            choices = ", ".join(capability.tag for capability in CAPABILITIES)
            raise CannotHide(f"there is no POP3 capability {min(unknown)}; these can be hidden: {choices}")
        self._offered = tuple(capability for capability in CAPABILITIES if capability.tag not in hidden)
        self._tags = frozenset(capability.tag for capability in self._offered)
        gone = [capability for capability in CAPABILITIES if capability.tag in hidden]
        self.unknown = frozenset(command for capability in gone for command in capability.commands)

    def offers(self, tag: str) -> bool:
        """Return False if a capability is hidden."""
        return tag in self._tags

    def lines(self, conditions: Conditions) -> list[str]:
        """Return the lines of CAPA."""
        shown = [capability for capability in self._offered if capability.shown(conditions)]
        return [f"{capability.tag} {capability.arguments(conditions)}".rstrip() for capability in shown]
