"""The console's files: served at the paths of its views, compressed, and under a policy that runs nothing inline."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from postroad_web.api import console
from tests.web.api.asgi import client, services

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "<!doctype html><title>Postroad</title>"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a console that is built, which is served."""
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "index-ab12.js").write_text("run()")
    (tmp_path / "index-ab12.js.gz").write_bytes(gzip.compress(b"run()"))
    (tmp_path / "letters-cd34.woff2").write_bytes(b"wOF2")
    (tmp_path / ".built").write_text("digest")
    monkeypatch.setattr(console, "BUILT", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("path", ["/", "/mail", "/mail/0006F/headers", "/queue", "/w/default/dns/zone", "/connect/"])
async def test_the_page_is_at_the_paths_of_all_views(path: str) -> None:
    async with client(services()) as http:
        answer = await http.get(path)
        assert (answer.status_code, answer.text) == (200, PAGE)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("built")
async def test_other_paths_are_not_found() -> None:
    async with client(services()) as http:
        for path in ("/nothing", "/mailx", "/console/nothing.js", "/console/.built", "/console/index-ab12.js.gz"):
            assert (await http.get(path)).status_code == 404


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("GZIP ; q=1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("br", False),
        ("", False),
    ],
)
async def test_files_are_compressed_for_those_who_take_it(accepted: str, is_compressed: bool) -> None:
    async with client(services()) as http:
        answer = await http.get("/console/index-ab12.js", headers={"Accept-Encoding": accepted})
        assert answer.text == "run()"
        assert answer.headers.get("content-encoding") == ("gzip" if is_compressed else None)
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.usefixtures("built")
async def test_files_may_be_kept_for_ever() -> None:
    async with client(services()) as http:
        answer = await http.get("/console/letters-cd34.woff2")
        assert (answer.content, answer.headers["content-type"]) == (b"wOF2", "font/woff2")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "content-encoding" not in answer.headers


async def test_what_is_not_built_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "BUILT", tmp_path)
    async with client(services()) as http:
        assert "Connect" in (await http.get("/")).text
        assert (await http.get("/mail")).status_code == 404
