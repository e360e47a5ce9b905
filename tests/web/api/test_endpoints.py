"""GET /v1/endpoints: where the protocols are, for clients on this machine and for those on the containers' network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.config import Settings
from postroad_web.api.endpoints import Endpoint, endpoints
from tests.web.api.asgi import WORLD, client, services

if TYPE_CHECKING:
    from pathlib import Path

CONTAINERS = {"POSTROAD_LISTEN": "0.0.0.0", "POSTROAD_PUBLISHED": "app=2025 imaps=2993 web=9025"}


def places_for(environ: dict[str, str], asked_by: str = "localhost") -> dict[str, Any]:
    return endpoints(Settings.from_environ(environ), WORLD, asked_by)


def test_processes() -> None:
    places = places_for({}, "10.0.0.9")
    assert places["app"] == Endpoint("localhost", 1025)
    assert places["imaps"] == Endpoint("127.0.0.143", 1993)
    assert places["dns"] == Endpoint("127.0.0.53", 1053)
    assert places["lmtp"] == Endpoint("127.0.0.143", 2424)
    assert places_for({"POSTROAD_NETWORK": "127.9.8"})["app"] == Endpoint("127.9.8.1", 1025)
    assert places_for({"POSTROAD_LISTEN": "192.0.2.7"})["imap"] == Endpoint("192.0.2.7", 1143)


def test_containers_from_this_machine() -> None:
    published = {"app": Endpoint("localhost", 2025), "imaps": Endpoint("localhost", 2993)}
    for name in ("localhost", "checkout.localhost.", "127.0.0.1", "[::1]"):
        assert places_for(CONTAINERS, name) == published


def test_containers_from_their_network() -> None:
    for name in ("web.postroad.test", "198.19.25.80"):
        places = places_for(CONTAINERS, name)
        assert places["app"] == Endpoint("127.0.0.25", 1025)  # the relay's
        assert places["imaps"] == Endpoint("127.0.0.143", 1993)


async def test_the_answer(tmp_path: Path) -> None:
    given = services({"POSTROAD_DATA": str(tmp_path)})
    async with client(given) as http:
        answer = (await http.get("/v1/endpoints")).json()
        assert answer["ca"] is None
        assert answer["endpoints"]["app"] == {"host": "localhost", "port": 1025}
        (tmp_path / "trust").mkdir()
        (tmp_path / "trust" / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        assert (await http.get("/v1/endpoints")).json()["ca"] == "-----BEGIN CERTIFICATE-----\n"
