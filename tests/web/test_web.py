"""The web service put together, in the tests' own process: where it listens, when it is ready, which files it takes."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from postroad import greenmail
from postroad.clock import Clock
from postroad.config import Settings
from postroad.control.door import Door, Refusal, Request, Response, Route
from postroad.control.feed import journal_routes
from postroad.journal import Journal, Kind
from postroad.world.source import load_world, parse_world
from postroad.world.world import Role
from postroad_web.web import Web
from tests.harness.processes import own_settings
from tests.harness.stack import DEFAULT_WORLD
from tests.web.worlds.test_keeper import ToyDoor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TOKEN = "t" * 43
MAILHOG = 8125


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with own_settings(tmp_path) as environ:
        yield Settings.from_environ({**environ, "POSTROAD_MAILHOG_PORT": str(MAILHOG), "POSTROAD_GREENMAIL": "on"})


def web_of(settings: Settings) -> Web:
    return Web(settings, load_world(settings.world, settings.network, capturing=True), token=TOKEN)


class Service:
    """The door of a service that has nothing but a journal, and refuses to say how far that is the first time."""

    def __init__(self, role: Role, folder: Path) -> None:
        self.role = role
        self.journal = Journal(folder, service=role.value)
        self.asked = 0
        self.journal_route, self.last_route = journal_routes(self.journal)
        self.door = Door([self.journal_route, Route("GET", "/journal/last", self._last)], token=TOKEN, clock=Clock())

    async def _last(self, request: Request) -> Response:
        self.asked += 1
        if self.asked == 1:
            raise Refusal(503, "in a moment")
        return await self.last_route.handler(request)


@asynccontextmanager
async def served(web: Web, settings: Settings, folder: Path) -> AsyncIterator[dict[Role, Service]]:
    services = {role: Service(role, folder) for role in (Role.RELAY, Role.STORE)}
    for role, service in services.items():
        await service.door.start(str(web.services.world.host_of(role).address), settings.control_port)
    yield services
    for service in services.values():
        await service.door.close()
        service.journal.close()


async def status_of(settings: Settings, port: int, path: str) -> int:
    async with httpx.AsyncClient(base_url=f"http://{settings.front}:{port}", timeout=10) as http:
        return (await http.get(path, headers={"Host": "localhost"})).status_code


async def test_it_listens_where_mailhog_and_greenmail_do(settings: Settings) -> None:
    web = web_of(settings)
    await web.start()
    for port in (settings.web_port, MAILHOG, greenmail.API):
        assert await status_of(settings, port, "/livez") == 200
    await web.stop()
    for port in (settings.web_port, MAILHOG, greenmail.API):
        with pytest.raises(httpx.ConnectError):
            await status_of(settings, port, "/livez")


async def test_it_is_ready_once_the_catalog_knows_what_has_happened(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    web = web_of(settings)
    (tmp_path / "journals").mkdir()
    async with served(web, settings, tmp_path / "journals") as services:
        for service in services.values():
            service.journal.record(Kind.REFUSED, reply="550 no")
        await web.start()
        async with asyncio.timeout(10):
            await web._tasks[1]
        assert await status_of(settings, settings.web_port, "/readyz") == 200
        assert web.catalog.position == {role.value: service.journal.last for role, service in services.items()}
        assert services[Role.RELAY].asked >= 2
        assert "the catalog has caught up" in caplog.text
        await web.stop()


async def test_a_catalog_that_can_not_be_opened_leaves_no_port_taken(settings: Settings) -> None:
    web = web_of(settings)
    (settings.web_dir / "marks.sqlite").mkdir(parents=True)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await web.start()
    with socket.create_server((settings.front, settings.web_port)):
        pass


async def test_a_world_file_with_the_domain_of_a_world_is_not_taken_up(settings: Settings) -> None:
    web = web_of(settings)
    web.keeper.served_by(*(ToyDoor(role) for role in ("dns", "relay", "store")))  # type: ignore[arg-type]
    await web.start()
    await web.keeper.make({"id": "shop"})
    before = web.services.world
    for domain, taken_up in (("shop.test", False), ("other.test", True)):
        edited = parse_world(f'{DEFAULT_WORLD}[domains."{domain}"]\n'.encode(), before.network)
        web._change(edited)
        assert web.services.world is (edited if taken_up else before)
    await web.stop()
