"""One question to the API, and how its answer is read. The sync and the async client ask the same questions.

call = Call("GET", "/v1/queue", read=lambda answer: answer["total"])
status, octets = ...  # some client
total = call.result(status, octets)
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from postroad_kit.errors import MailError, NotArrived, Refused, TooMany
from postroad_kit.telling import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

TIMEOUT = 30.0  # seconds for an answer; waits add theirs
_MAIL_ERRORS: Mapping[int, type[MailError]] = {408: NotArrived, 409: TooMany}


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request. `read` gets the JSON of a good answer, or its octets; None for an answer without a body.

    `patience` is how long the server itself may take. `errors` are the statuses by which the API says that a test's
    expectation is not met. `again` is whether it may be asked twice if a connection breaks.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    value: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    octets: bool = False
    message: bytes | None = None
    patience: float = 0.0
    errors: Mapping[int, type[MailError]] = field(default_factory=dict)
    again: bool = True

    @property
    def target(self) -> str:
        """The path with its query."""
        asked = {name: value for name, value in self.query.items() if value is not None}
        return self.path + ("?" + urlencode(asked, doseq=True) if asked else "")

    @property
    def timeout(self) -> float:
        """Seconds until the answer must have come."""
        return TIMEOUT + self.patience

    def body(self) -> tuple[bytes | None, str]:
        """Return the body and its media type."""
        if self.message is not None:
            return self.message, "message/rfc822"
        return (None if self.value is None else json.dumps(self.value).encode()), "application/json"

    def result(self, status: int, octets: bytes) -> T:
        """Return what the answer says; raises `Refused` or a `MailError`."""
        __tracebackhide__ = True  # here and elsewhere: pytest shows the line of the test, and not ours
        if 200 <= status < 300:
            return self.read(octets if self.octets else json.loads(octets) if octets else None)
        try:
            problem = json.loads(octets)
        except ValueError:
            problem = {}
        problem = problem if isinstance(problem, dict) else {}
        if status in self.errors:
            raise self.errors[status]("\n".join(sentences(problem)), problem)
        raise Refused(status, problem)


def expecting(call: Call[T], errors: Mapping[int, type[MailError]] | None = None) -> Call[T]:
    """Return a call whose refusals are a test's unmet expectations."""
    return replace(call, errors=_MAIL_ERRORS if errors is None else errors)


def segment(text: str) -> str:
    """Return one segment of a path."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the API is: a URL, which may have a user and a password, taken apart."""

    scheme: str
    host: str
    port: int
    prefix: str
    login: str | None
    given: str  # as it was given

    @classmethod
    def of(cls, url: str) -> Place:
        """Read a URL; raises `ValueError`."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url} is no http or https URL")
        login = None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), login, url)

    @property
    def authority(self) -> str:
        """Host and port, as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without user and password."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    def headers(self, world: str | None, call: Call[Any]) -> dict[str, str]:
        """Return the header of a request."""
        headers = {"Host": self.authority, "Accept": "application/json"}
        if self.login is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(self.login.encode()).decode()}"  # RFC 7617 §2
        if world is not None:
            headers["Postroad-World"] = world
        body, kind = call.body()
        if body is not None:
            headers["Content-Type"] = kind
        if body is not None or call.method in {"POST", "PUT", "PATCH"}:
            headers["Content-Length"] = str(len(body or b""))
        return headers
