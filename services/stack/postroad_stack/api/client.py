"""A client of the HTTP API on Python's standard library: one request per call."""

from __future__ import annotations

import base64
import http.client
import json
import os
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from postroad.config import URL, Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

TIMEOUT = 30.0  # seconds; waits add theirs
STREAM_TIMEOUT = 300.0  # seconds until the next piece of a long body

ASKED, NOT_FOUND, USAGE, AWAY = 0, 1, 2, 3
STATUSES = "The exit status is 0 for yes, 1 for no, 2 for wrong usage, 3 if the API can't be asked."


class ApiError(Exception):
    """The API has refused; `status` is HTTP's, `problem` what it says (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or f"the API answers {status}")
        self.status = status
        self.problem = problem

    @property
    def exit_status(self) -> int:
        """What a command ends with."""
        return {404: NOT_FOUND, 408: NOT_FOUND, 409: NOT_FOUND, 400: USAGE, 422: USAGE}.get(self.status, AWAY)


class ApiAway(Exception):  # noqa: N818 - a state of affairs
    """The API can't be reached."""


class Api:
    """The API at a URL, which may have a name and a password: http://user:password@host:8025.

    Without `world`, an ID, it answers for the world that the URL names, or for the default world.
    """

    def __init__(self, url: str, world: str | None = None) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._base = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path.rstrip('/')}"
        self._headers = {} if world is None else {"Postroad-World": world}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            # RFC 7617 §2
            self._headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        # The stack is here or on a private network; a proxy would not find it.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(
        self,
        method: str,
        path: str,
        value: Any = None,
        *,
        octets: bytes | None = None,
        timeout: float = TIMEOUT,
        **query: Any,
    ) -> Any:
        """Return the JSON of the answer; raises `ApiError` or `ApiAway`. `octets` is a message to send as it is."""
        url = self._url(path, query)
        body, kind = octets, "message/rfc822"
        if octets is None and value is not None:
            body, kind = json.dumps(value).encode(), "application/json"
        headers = self._headers | ({} if body is None else {"Content-Type": kind})
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - the user names it
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                return _json(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, _json(error.read()) or {}) from None
        except (OSError, ValueError) as error:
            raise self._away(error) from error

    def upload(self, path: str, pieces: Iterable[bytes], kind: str, **query: Any) -> Any:
        """POST a body of any size as it comes, and return the JSON of the answer; raises `ApiError` or `ApiAway`."""
        headers = self._headers | {"Content-Type": kind, "Transfer-Encoding": "chunked"}
        with self._connection() as connection:
            connection.putrequest("POST", self._url(path, query))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            with suppress(BrokenPipeError, ConnectionResetError):  # refused: the answer says why
                for piece in filter(None, pieces):
                    connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                connection.send(b"0\r\n\r\n")
            with self._answer(connection) as answer:
                return _json(answer.read())

    @contextmanager
    def download(self, path: str, **query: Any) -> Iterator[http.client.HTTPResponse]:
        """GET an answer of any size, to be read as it comes; raises `ApiError` or `ApiAway`."""
        with self._connection() as connection:
            connection.request("GET", self._url(path, query), headers=self._headers)
            with self._answer(connection) as answer:
                yield answer

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        asked = {name.rstrip("_"): value for name, value in query.items() if value is not None and value != []}
        return f"{self._base}{path}{'?' + urlencode(asked, doseq=True) if asked else ''}"

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        parts = urlsplit(self._base)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=STREAM_TIMEOUT)
        try:
            yield connection
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error
        finally:
            connection.close()

    @staticmethod
    @contextmanager
    def _answer(connection: http.client.HTTPConnection) -> Iterator[http.client.HTTPResponse]:
        with connection.getresponse() as answer:
            if answer.status >= http.client.BAD_REQUEST:
                raise ApiError(answer.status, _json(answer.read()) or {})
            yield answer

    def _away(self, error: Exception) -> ApiAway:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return ApiAway(f"the API at {self._base} can't be asked: {reason or type(error).__name__}")


def _json(octets: bytes) -> Any:
    try:
        return json.loads(octets) if octets else None
    except ValueError:
        return None


def segment(text: str) -> str:
    """Return one segment of a path."""
    return quote(text, safe="")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands of the API have."""
    parser.add_argument("--url", help=f"where the API is (default: {URL}, or POSTROAD_WEB_PORT on this machine)")
    parser.add_argument("--world", metavar="ID", help="in which world (default: that of the URL, or of the world file)")
    parser.add_argument("--json", action="store_true", help="print the API's answer as JSON")


def api_of(url: str | None, world: str | None = None) -> Api:
    """Return the API that is asked for, or that of this machine's stack; raises `ConfigError`."""
    if url := url or os.environ.get(URL):
        return Api(url, world)
    settings = Settings.from_environ(os.environ)
    host = settings.front
    if host in {"0.0.0.0", "127.0.0.1"}:
        host = "localhost"
    login = "".join(f"{quote(user)}:{quote(password)}@" for user, password in settings.web_auth[:1])
    return Api(f"http://{login}{f'[{host}]' if ':' in host else host}:{settings.web_port}", world)
