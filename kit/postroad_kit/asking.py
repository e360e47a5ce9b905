"""The questions that the kit asks, each a `Call`. `docs/api.md` describes the API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from postroad_kit.criteria import Criteria, asked
from postroad_kit.definition import AccountInfo, Definition, account_of, definition_of
from postroad_kit.endpoints import Endpoint, Endpoints, endpoint_of, endpoints_of
from postroad_kit.errors import NotQuiet
from postroad_kit.history import Clock, Road, Session, clock_of, road_of, session_of
from postroad_kit.http.call import Call, expecting, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_kit.letter import Copy

Messages = list[dict[str, Any]]
MOST = 100  # messages of a page with their contents


def _nothing(_answer: Any) -> None:
    return None


def endpoints() -> Call[Endpoints]:
    """Where the protocols are spoken."""
    return Call("GET", "/v1/endpoints", endpoints_of)


# -- worlds -------------------------------------------------------------------------------------------------------


def make(definition: Mapping[str, Any]) -> Call[Definition]:
    """Make a world."""
    return Call("POST", "/v1/worlds", definition_of, dict(definition), again=False)


def read(world: str) -> Call[Definition]:
    """Read a world."""
    return Call("GET", f"/v1/worlds/{segment(world)}", definition_of)


def keep(world: str, seconds: float) -> Call[None]:
    """Give a world so much time from now on."""
    return Call("PATCH", f"/v1/worlds/{segment(world)}", _nothing, {"ttl": max(1, round(seconds))})


def drop(*worlds: str) -> Call[None]:
    """Drop worlds with all that is in them; those that have gone already do not matter if there is one that has not."""
    return Call("DELETE", f"/v1/worlds/{','.join(map(segment, worlds))}", _nothing)


def purge(world: str) -> Call[None]:
    """Empty a world of its mail."""
    return Call("POST", f"/v1/worlds/{segment(world)}/purge", _nothing)


def add_account(world: str, name: str, domain: str, **members: Any) -> Call[AccountInfo]:
    """Make an account; members that are None are left out."""
    value = {"name": name, "domain": domain} | {key: member for key, member in members.items() if member is not None}
    return Call("POST", f"/v1/worlds/{segment(world)}/accounts", account_of, value, again=False)


def open_port(world: str) -> Call[Endpoint]:
    """Open a port of a world's own."""
    path = f"/v1/worlds/{segment(world)}/ports"
    return Call("POST", path, endpoint_of, {}, again=False)


def ports(world: str) -> Call[list[Endpoint]]:
    """List the ports of a world."""
    path = f"/v1/worlds/{segment(world)}/ports"
    return Call("GET", path, lambda answer: [endpoint_of(port) for port in answer["ports"]])


def close_port(world: str, port: int) -> Call[None]:
    """Close a port of a world."""
    return Call("DELETE", f"/v1/worlds/{segment(world)}/ports/{port}", _nothing)


def records(domain: str) -> Call[tuple[str, ...]]:
    """List the records of a domain's zone, in master-file form."""
    return Call("GET", f"/v1/domains/{segment(domain)}", lambda answer: tuple(answer["records"]))


# -- waiting ------------------------------------------------------------------------------------------------------


def wait(
    criteria: Criteria, timeout: float, *, exactly: int | None = None, at_least: int | None = None
) -> Call[Messages]:
    """Wait for messages; raises `NotArrived` or `TooMany`."""
    if exactly is not None and at_least is not None:
        raise ValueError("give exactly or at_least, not both")
    mode: dict[str, Any] = {"at_least": at_least or 1}
    if exactly is not None:
        mode = {"exactly": exactly} if exactly else {"none": True}
    value = {**asked(criteria), "mode": mode, "timeout": timeout}
    return expecting(Call("POST", "/v1/wait", lambda answer: answer["messages"], value, patience=timeout))


def quiet(timeout: float) -> Call[int]:
    """Wait until nothing is under way, and return the cursor; raises `NotQuiet`."""
    call = Call("POST", "/v1/quiet", lambda answer: int(answer["cursor"]), {"timeout": timeout}, patience=timeout)
    return expecting(call, {408: NotQuiet})


# -- messages -----------------------------------------------------------------------------------------------------


def messages(query: str | None, after: int | None) -> Call[tuple[Messages, int | None]]:
    """List messages with their contents, the oldest first, and the cursor of the next page."""
    page = {"query": query, "after": after, "order": "oldest", "content": "true", "limit": MOST}
    return Call("GET", "/v1/messages", lambda answer: (answer["messages"], answer["next"]), query=page)


def summaries() -> Call[Messages]:
    """List the newest messages without their contents."""
    return Call("GET", "/v1/messages", lambda answer: answer["messages"], query={"limit": MOST})


def raw(ident: str) -> Call[bytes]:
    """Read a message as it is."""
    return Call("GET", f"/v1/messages/{segment(ident)}/raw", bytes, octets=True)


def part(ident: str, part_id: str) -> Call[bytes]:
    """Read the decoded content of a part."""
    return Call("GET", f"/v1/messages/{segment(ident)}/parts/{segment(part_id)}", bytes, octets=True)


def flags(copy: Copy) -> Call[tuple[str, ...]]:
    """Read the flags of a copy in a mailbox."""
    path = f"/v1/accounts/{segment(copy.account)}/mailboxes/{segment(copy.mailbox)}/messages"

    def read_flags(answer: Any) -> tuple[str, ...]:
        return next((tuple(message["flags"]) for message in answer["messages"] if message["uid"] == copy.uid), ())

    return Call("GET", path, read_flags, query={"after": copy.uid - 1, "limit": 1})


# -- what happened ------------------------------------------------------------------------------------------------


def road(ident: str) -> Call[Road]:
    """Read one message's road."""
    return Call("GET", f"/v1/messages/{segment(ident)}/road", road_of)


def sessions(cursor: Any = None, **only: str | None) -> Call[tuple[list[Session], Any]]:
    """List transcripts without their lines, the newest first, and the cursor of the next page."""
    return Call(
        "GET",
        "/v1/sessions",
        lambda answer: ([session_of(session) for session in answer["sessions"]], answer["next"]),
        query={"before": cursor, **only},
    )


def dialogue(ident: str) -> Call[str]:
    """Read one transcript as a dialogue file, which `postroad replay` plays."""
    return Call("GET", f"/v1/sessions/{segment(ident)}/dialogue", bytes.decode, octets=True)


def session(ident: str) -> Call[Session]:
    """Read one transcript."""
    return Call("GET", f"/v1/sessions/{segment(ident)}", session_of)


# -- snapshots and the clock --------------------------------------------------------------------------------------


def snapshot(world: str, name: str) -> Call[None]:
    """Take a snapshot."""
    return Call("POST", f"/v1/worlds/{segment(world)}/snapshots", _nothing, {"name": name}, again=False)


def restore(world: str, name: str) -> Call[None]:
    """Put a world back to a snapshot."""
    return Call("POST", f"/v1/worlds/{segment(world)}/snapshots/{segment(name)}/restore", _nothing, {})


def clock(world: str) -> Call[Clock]:
    """Read the clock."""
    return Call("GET", f"/v1/worlds/{segment(world)}/clock", clock_of)


def push_clock(world: str, span: str | float | timedelta) -> Call[Clock]:
    """Push the clock by a span, or to the next thing that falls due; answered once all that fell due is done."""
    push = span.total_seconds() if isinstance(span, timedelta) else span
    path = f"/v1/worlds/{segment(world)}/clock"
    return Call("POST", path, clock_of, {"push": push}, patience=60.0, again=False)
