"""The routes of a world's ports over a real keeper: opened, listed, closed, and refused in words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from postroad.world.world import Role
from tests.web.api.test_worlds import SHOP, Place, place

__all__ = ["place"]  # a fixture


def shown(port: int, host: str = "localhost") -> dict[str, Any]:
    return {"host": host, "port": port, "protocol": "smtp"}


@pytest.fixture
def settings() -> dict[str, str]:
    return {"world_ports": "1026-1028"}


async def test_a_port_is_opened_shown_and_closed(place: Place) -> None:
    await place.make("shop")
    assert await place.ask("GET", f"{SHOP}/ports") == (200, {"ports": []})
    assert await place.ask("POST", f"{SHOP}/ports") == (201, shown(1026))
    assert await place.ask("POST", f"{SHOP}/ports", {"port": 1028}) == (201, shown(1028))
    assert place.desk.doors[1].worlds["shop"]["ports"] == [1026, 1028]
    assert await place.ask("GET", f"{SHOP}/ports") == (200, {"ports": [shown(1026), shown(1028)]})
    assert (await place.ask("GET", SHOP))[1]["ports"] == [shown(1026), shown(1028)]
    assert (await place.ask("GET", "/v1/worlds"))[1]["worlds"][0]["ports"] == [shown(1026), shown(1028)]
    assert await place.ask("DELETE", f"{SHOP}/ports/1026") == (204, None)
    assert await place.ask("GET", f"{SHOP}/ports") == (200, {"ports": [shown(1028)]})
    assert await place.ask("DELETE", SHOP) == (204, None)
    await place.make("shop")
    assert await place.ask("GET", f"{SHOP}/ports") == (200, {"ports": []})


async def test_what_can_not_be_opened_is_told(place: Place) -> None:
    await place.make("shop")
    await place.make("other")
    status, problem = await place.ask("POST", f"{SHOP}/ports", {"port": 1029})
    assert (status, problem["detail"]) == (422, "port: must be one of POSTROAD_WORLD_PORTS, 1026 to 1028.")
    assert problem["errors"] == [{"field": "port", "detail": "must be one of POSTROAD_WORLD_PORTS, 1026 to 1028"}]
    assert (await place.ask("POST", f"{SHOP}/ports", {"port": "1026"}))[0] == 422
    assert (await place.ask("POST", f"{SHOP}/ports", {"ports": 1}))[0] == 422
    assert (await place.ask("POST", "/v1/worlds/other/ports", {"port": 1027}))[0] == 201
    status, problem = await place.ask("POST", f"{SHOP}/ports", {"port": 1027})
    assert (status, problem["detail"], problem["world"]) == (409, "The port 1027 is the world other's.", "other")
    place.desk.doors[1].ports.add(1026)
    status, problem = await place.ask("POST", f"{SHOP}/ports", {"port": 1026})
    assert (status, problem["title"]) == (409, "A service refuses it")
    assert (await place.ask("POST", f"{SHOP}/ports"))[1] == shown(1028)
    status, problem = await place.ask("POST", f"{SHOP}/ports")
    assert (status, problem["detail"]) == (409, "None of the 3 ports of POSTROAD_WORLD_PORTS is free.")
    place.desk.doors[1].ports.clear()
    assert (await place.ask("POST", f"{SHOP}/ports"))[0] == 201
    status, problem = await place.ask("POST", f"{SHOP}/ports")
    assert (status, problem["title"]) == (409, "There is a limit")
    assert "POSTROAD_PORTS_PER_WORLD" in problem["detail"]
    status, problem = await place.ask("DELETE", f"{SHOP}/ports/1027")
    assert (status, problem["title"], problem["detail"]) == (404, "No such port", "The world has no port 1027.")
    assert (await place.ask("DELETE", f"{SHOP}/ports/none"))[0] == 404
    place.desk.doors[1].away = True
    assert (await place.ask("DELETE", f"{SHOP}/ports/1026"))[0] == 503


async def test_the_default_world_has_the_app_door(place: Place) -> None:
    assert (await place.ask("POST", "/v1/worlds/default/ports"))[0] == 404


@pytest.mark.parametrize("settings", [{"web_auth": "ann:secret"}])
async def test_the_app_user_of_a_world_opens_ports_of_it_alone(place: Place) -> None:
    place.http.auth = httpx.BasicAuth("ann", "secret")
    shop = await place.make("shop")
    await place.make("other")
    user = (shop["app"]["user"], shop["app"]["password"])
    assert (await place.http.post(f"{SHOP}/ports", auth=user)).status_code == 201
    assert (await place.http.post("/v1/worlds/other/ports", auth=user)).status_code == 403


@pytest.mark.parametrize(
    "settings", [{"published": "app=11025 web=18025", "listen": "0.0.0.0", "network": "198.19.25"}]
)
async def test_a_port_is_where_the_client_can_reach_it(place: Place) -> None:
    await place.make("shop")
    assert (await place.ask("POST", f"{SHOP}/ports"))[1] == shown(1026)
    answer = await place.http.get(f"{SHOP}/ports", headers={"Host": "198.19.25.80:8025"})
    assert answer.json() == {"ports": [shown(1026, str(place.services.world.host_of(Role.RELAY).address))]}
