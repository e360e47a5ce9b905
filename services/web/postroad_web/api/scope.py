"""Which world a request is about. Pure.

A request names its world in one of these ways; without any it is about the default world.

- a prefix of the path: `/w/checkout/v1/messages`, for every route of every dialect
- `?world=checkout`, in the native API
- the header field `Postroad-World: checkout`
- the Host field: `checkout.localhost:8025`
- the user name of Basic authentication, if a world has this ID

The first three are said for one request: two of them that differ are an error. They overrule the Host field, and that
overrules the user name, which clients send whatever they ask for. The prefix and the parameter are taken away before
anything else looks at the request, so that no route knows of them. URLs in answers begin with `prefix_of`.

`*` instead of an ID means all worlds: in the native API, for reading.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from starlette.datastructures import Headers

from postroad.world.world import DEFAULT_WORLD
from postroad_web.api.dialect import is_native
from postroad_web.api.problem import Problem
from postroad_web.catalog.worlds import EVERY

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import HTTPConnection
    from starlette.types import Scope

    from postroad_web.catalog.worlds import Worlds

HEADER = "postroad-world"
PARAMETER = "world"
READING = frozenset({"GET", "HEAD"})

_WORLD = "postroad.world"  # keys of the ASGI scope
_PREFIX = "postroad.prefix"
_WORLDS = "/v1/worlds"
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_PATH = re.compile(r"/w/([^/]*)(/.*)?", re.DOTALL)
_RAW_PATH = re.compile(rb"/w/[^/]*(/.*)?", re.DOTALL)
_HOST = re.compile(r"([^.:]+)\.localhost\.?(?::[0-9]*)?")


class Selected(NamedTuple):
    """The request without what named its world."""

    scope: Scope
    world: str | None  # None: it names none, except perhaps by the user name
    problem: Problem | None  # why it can't be carried out
    by_host: bool = False  # whether the Host field names the world


def world_of(connection: HTTPConnection) -> str:
    """Return the ID of the world that a request or a websocket is about; `*`: all worlds, and it only reads."""
    return world_in(connection.scope)


def world_in(scope: Scope) -> str:
    """Return the same of an ASGI scope."""
    world: str = scope.get(_WORLD, DEFAULT_WORLD)
    return world


def prefix_of(connection: HTTPConnection) -> str:
    """Return what the paths of URLs in the answer begin with, so that they lead to the same world."""
    prefix: str = connection.scope.get(_PREFIX, "")
    return prefix


def without_prefix(path: str) -> str:
    """Return a path without the prefix that names a world."""
    match = _PATH.fullmatch(path)
    return path if match is None else match[2] or "/"


def is_world_id(text: str) -> bool:
    """Whether a text may be the ID of a world: a label of the DNS, of up to 32 characters."""
    return _ID.fullmatch(text) is not None


def select(scope: Scope, further: Collection[str]) -> Selected:
    """Return which world a request names, and the request without that.

    `further` are the names in lower case by which the operator has this service called; they name no world.
    """
    headers = Headers(scope=scope)
    named = [value.strip() for value in headers.getlist(HEADER)]
    prefix = ""
    path = _PATH.fullmatch(scope["path"])
    if path is not None:
        named.append(path[1])
        prefix = f"/w/{path[1]}"
        raw = _RAW_PATH.fullmatch(scope.get("raw_path") or b"")
        rest = (raw[1] or b"/") if raw is not None else None
        scope = {**scope, "path": without_prefix(scope["path"]), "raw_path": rest}
    native = is_native(scope["path"])
    if native:
        query, values = _without(scope["query_string"])
        if values:
            named += values
            prefix = prefix or f"/w/{values[0]}"
            scope = {**scope, "query_string": query}
    worlds = list(dict.fromkeys(named))
    world = worlds[0] if worlds else _by_host(headers.get("host", ""), further)
    problem = None
    if len(worlds) > 1:
        problem = Problem(400, "Two worlds are named", f"The request names the worlds {' and '.join(worlds)[:200]}.")
    elif world == EVERY:
        prefix = ""
        reads = scope["type"] == "websocket" or scope["method"] in READING
        if path is not None or not native or not reads:
            problem = Problem(400, "One world has to be named", "All worlds (*) can be read, under /v1, and no more.")
    return Selected({**scope, _PREFIX: prefix}, world, problem, not worlds and world is not None)


def settle(selected: Selected, user: str | None, worlds: Worlds) -> tuple[Scope, Problem | None]:
    """Return the request with the world that it is about, and a problem if there is none.

    `user` is the name in its credentials, if it is one of a world.
    """
    world = selected.world
    if world is None:
        world = user if user is not None and is_world_id(user) and worlds.begun(user) is not None else DEFAULT_WORLD
    scope = {**selected.scope, _WORLD: world}
    if selected.problem is not None or world == EVERY or (is_world_id(world) and worlds.begun(world) is not None):
        return scope, selected.problem
    detail = f"There is no world {world[:64]}."
    if selected.by_host:
        detail += f" The Host field names it; POSTROAD_WEB_HOSTS={world[:64]}.localhost has the name mean no world."
    return scope, Problem(404, "No such world", detail)


def beyond(scope: Scope) -> Problem | None:
    """Return why a world's app user may not do this: it is about other worlds."""
    path: str = scope["path"]
    if path == _WORLDS or (path.startswith(f"{_WORLDS}/") and path.split("/")[3] != world_in(scope)):
        return Problem(403, "Another world's affair", "The app user of a world may do what concerns this world.")
    return None


def _by_host(host: str, further: Collection[str]) -> str | None:
    match = _HOST.fullmatch(host.lower())
    if match is None or f"{match[1]}.localhost" in further:
        return None
    return match[1]


def _without(query: bytes) -> tuple[bytes, list[str]]:
    """Return a query string without the parameter `world`, and the values that it had."""
    kept, values = [], []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if unquote_plus(name.decode("latin-1")) == PARAMETER:
            values.append(unquote_plus(value.decode("latin-1")))
        else:
            kept.append(pair)
    return b"&".join(kept), values
