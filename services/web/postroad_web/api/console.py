"""The console: static files, built from services/web/console into the package (`make venv`, or the wheel's build).

The page is the same at every path of its views, so that links into it work; it reads the path itself. Files have a hash
in their names and may be kept for ever. Where nothing is built, `home` serves a plain page instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

BUILT = Path(__file__).parents[1] / "console"
VIEWS = ("mail", "queue", "mailboxes", "dns", "sessions", "worlds", "connect")
# Scripts, styles and letters of ours, and nothing inline. Frames hold mail, which has a policy of its own (`contents`).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class File(NamedTuple):
    """One file of the console, in memory."""

    media_type: str
    octets: bytes
    compressed: bytes | None


def load(folder: Path) -> dict[str, File]:
    """Return the files that are built, by name; none if nothing is."""
    if not (folder / "index.html").is_file():
        return {}
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES:
            compressed = path.with_name(f"{path.name}.gz")
            octets = compressed.read_bytes() if compressed.is_file() else None
            files[path.name] = File(_TYPES[path.suffix], path.read_bytes(), octets)
    return files


def routes(files: Mapping[str, File]) -> list[BaseRoute]:
    """Return the routes of a console that is built; / is among them."""

    async def page(request: Request) -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return _answer(request, files["index.html"], headers)

    async def asset(request: Request) -> Response:
        file = files.get(request.path_params["name"])
        if file is None:
            raise Problem(404, "No such file", "404 page not found")
        return _answer(request, file, {"Cache-Control": _FOR_EVER})

    return [
        Route("/", page),
        Route("/console/{name}", asset),
        *(Route(f"/{view}{rest}", page) for view in VIEWS for rest in ("", "/{rest:path}")),
    ]


def _answer(request: Request, file: File, headers: dict[str, str]) -> Response:
    octets = file.octets
    headers["Vary"] = "Accept-Encoding"
    if file.compressed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        octets = file.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(octets, 200, headers, file.media_type)


def _takes_gzip(accepted: str) -> bool:
    """Whether a client takes gzip (RFC 9110 §12.5.3); a weight of 0 says that it does not."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
