"""The keeper with doors that are toys: what it asks of them, when they are away, and what is so after a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.control.client import DoorAway, DoorRefused
from postroad.world.overlay import OverlayError, digest_of
from postroad.world.source import parse_world
from postroad_web.worlds.database import Database
from postroad_web.worlds.keeper import Beyond, Keeper, NoSuchPort, NoSuchWorld, Taken, Unwritable
from postroad_web.worlds.plan import NoSuchDomain
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

BASE = parse_world(DEFAULT_WORLD.encode(), IPv4Network("127.1.2.0/24"))
NOW = 1_000_000.0


class ToyDoor:
    """A service that has worlds."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.worlds: dict[str, Any] = {}
        self.away = False
        self.refuses: bool | str = False
        self.ports: set[int] = set()  # that it can't open
        self.dropped: list[list[str]] = []  # those that went together

    async def get(self, path: str) -> Any:
        self._open()
        if path.endswith("count"):
            return {"count": len(self.worlds)}
        return {"worlds": {ident: digest_of(definition) for ident, definition in self.worlds.items()}}

    async def put(self, path: str, value: Any) -> None:
        self._open()
        if self.refuses:
            raise DoorRefused(422, self.refuses if isinstance(self.refuses, str) else "no")
        if taken := self.ports & set(value.get("ports", ())):
            raise DoorRefused(409, f"the port {min(taken)} can't be opened")
        self.worlds[path.rpartition("/")[2]] = value

    async def delete(self, path: str) -> None:
        self._open()
        self.dropped.append(unquote(path.rpartition("/")[2]).split(","))
        for ident in self.dropped[-1]:
            self.worlds.pop(ident, None)

    def _open(self) -> None:
        if self.away:
            raise DoorAway(self.service, "it is away")


class Desk:
    """A keeper in a folder, its doors, and a clock that a test pushes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = Settings.from_environ({f"POSTROAD_{name.upper()}": value for name, value in settings.items()})
        self.doors = tuple(ToyDoor(service) for service in ("dns", "relay", "store"))
        self.clock = Clock(wall=lambda: NOW)
        self.forgotten: list[str] = []
        self.open()

    def open(self) -> None:
        self.database = Database(self.folder)
        self.keeper = Keeper(self.database, BASE, self.settings, self.clock)
        self.keeper.served_by(*self.doors)  # type: ignore[arg-type]

        async def forget(worlds: Sequence[str]) -> None:
            self.forgotten += worlds

        self.keeper.forget = forget

    def restart(self) -> None:
        self.database.close()
        self.open()

    def listed(self) -> list[list[str]]:
        return [*(list(door.worlds) for door in self.doors), list(self.keeper.others())]

    @asynccontextmanager
    async def mending(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.keeper.mend()), asyncio.create_task(self.keeper.expire())]
        await self.turn()
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def turn(self) -> None:
        """Let what is under way come to its end: a commit is in a thread, so turns alone do not do."""
        for _ in range(20):
            await self.database.forget("nobody")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_world_is_made_everywhere_and_known(desk: Desk) -> None:
    shop = await desk.keeper.make({"id": "shop", "password": "pw", "domains": [{"accounts": [{"name": "bob"}]}]})
    assert desk.listed() == [["shop"]] * 4
    keeper = desk.keeper
    assert (keeper.begun("shop"), keeper.begun("default"), keeper.begun("no")) == (NOW, 0.0, None)
    assert (keeper.password("shop"), keeper.password("no")) == (shop.app_password, None)
    assert (keeper.of_domain("shop.test"), keeper.of_domain("alpha.test")) == ("shop", "default")
    world = keeper.made("shop")
    assert world is not None
    assert world.account("bob@shop.test") is not None
    assert keeper.made("no") is None
    random = await keeper.make({})
    assert len(random.id) == 9
    desk.restart()
    assert list(desk.keeper.others()) == ["shop", random.id]
    await desk.keeper.drop("shop")
    with pytest.raises(NoSuchWorld):
        desk.keeper.get("shop")
    assert (desk.listed(), desk.forgotten) == ([[random.id]] * 4, ["shop"])


async def test_what_is_taken_or_beyond_a_limit_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, worlds="2", world_accounts="1", world_size="1K")
    await desk.keeper.make({"id": "a"})
    for asked, world in (({"id": "a"}, "a"), ({"id": "default"}, "default"), ({"domains": [{"name": "a.test"}]}, "a")):
        with pytest.raises(Taken) as taken:
            await desk.keeper.make(asked)
        assert taken.value.world == world
    with pytest.raises(Beyond, match="POSTROAD_WORLD_ACCOUNTS"):
        await desk.keeper.make({"domains": [{"accounts": [{"name": "a"}, {"name": "b"}]}]})
    with pytest.raises(Beyond, match="POSTROAD_WORLD_SIZE"):
        await desk.keeper.make({"owner": "x" * 1000})
    with pytest.raises(OverlayError):
        await desk.keeper.make({"domains": [{"records": ["nonsense"]}]})
    await desk.keeper.make({"id": "b"})
    with pytest.raises(Beyond, match="POSTROAD_WORLDS"):
        await desk.keeper.make({})
    await desk.keeper.add_account("b", None, {"name": "a"})
    with pytest.raises(Beyond):
        await desk.keeper.add_account("b", None, {"name": "c"})


async def test_a_world_that_can_not_be_made_everywhere_is_made_nowhere(desk: Desk) -> None:
    desk.doors[2].refuses = True
    with pytest.raises(DoorRefused):
        await desk.keeper.make({"id": "shop"})
    assert desk.listed() == [[]] * 4
    desk.doors[2].refuses = False
    desk.doors[1].away = True
    with pytest.raises(DoorAway):
        await desk.keeper.make({"id": "shop"})
    assert desk.listed()[3] == []
    with pytest.raises(Taken):  # until nothing is left of it
        await desk.keeper.make({"id": "shop"})
    desk.restart()
    desk.doors[1].away = False
    async with desk.mending():
        pass
    assert desk.listed() == [[]] * 4
    await desk.keeper.make({"id": "shop"})


async def test_a_world_is_told_of_once_it_is_on_disk_and_in_force(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services are asked meanwhile: if the process is killed, they lose what its database does not have."""
    on_disk: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with monkeypatch.context() as patched:
        patched.setattr(desk.database, "put", lambda _world: on_disk)
        making = asyncio.create_task(desk.keeper.make({"id": "shop"}))
        await desk.turn()
        assert desk.listed() == [["shop"], ["shop"], ["shop"], []]
        assert not making.done()
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
    desk.restart()
    async with desk.mending():
        pass
    assert desk.listed() == [[]] * 4
    shop = await desk.keeper.make({"id": "shop"})
    desk.restart()
    assert desk.keeper.get("shop") == shop


async def test_what_is_dropped_while_a_service_is_away_goes_later(desk: Desk) -> None:
    await desk.keeper.make({"id": "shop"})
    desk.doors[0].away = True
    with pytest.raises(DoorAway):
        await desk.keeper.drop("shop")
    assert desk.listed()[3] == []
    async with desk.mending():
        assert desk.doors[0].worlds
        desk.doors[0].away = False
        desk.clock.push(2.0)
        await desk.turn()
    assert desk.listed() == [[]] * 4


async def test_several_go_together(desk: Desk) -> None:
    for ident in ("a", "b", "c"):
        await desk.keeper.make({"id": ident})
    await desk.keeper.drop("c", "a", "c")
    assert [door.dropped for door in desk.doors] == [[["c", "a"]]] * 3
    assert desk.forgotten == ["c", "a"]
    desk.restart()
    assert desk.listed() == [["b"]] * 4


async def test_of_several_those_go_that_there_are(desk: Desk) -> None:
    """One of them may just have been dropped by somebody else, or be changed while it is asked for."""
    await desk.keeper.make({"id": "a"})
    await desk.keeper.make({"id": "b"})
    changing = asyncio.create_task(desk.keeper.change("b", {"owner": "y"}))
    await asyncio.gather(desk.keeper.drop("b"), desk.keeper.drop("nobody", "b", "a"))
    assert (await changing).definition["owner"] == "y"
    assert desk.listed() == [[]] * 4
    with pytest.raises(NoSuchWorld):
        await desk.keeper.drop("a", "b")


async def test_services_are_brought_up_to_date(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await desk.keeper.make({"id": "a"})
    await desk.keeper.make({"id": "b"})
    desk.doors[0].worlds.clear()
    desk.doors[2].worlds["stranger"] = {}
    async with desk.mending():
        pass
    assert [sorted(listed) for listed in desk.listed()] == [["a", "b"]] * 4
    assert "the world a is made again in dns" in caplog.text
    assert "the world stranger is dropped in store" in caplog.text


async def test_a_service_that_has_a_world_otherwise_is_brought_up_to_date(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It died, or the web service did, in the middle of a change."""
    caplog.set_level("INFO")
    await desk.keeper.make({"id": "shop"})
    async with desk.mending():
        pass
    desk.restart()
    desk.doors[1].worlds["shop"] = {**desk.keeper.get("shop").definition, "ports": [1026]}
    async with desk.mending():
        pass
    assert desk.doors[1].worlds["shop"] == desk.keeper.get("shop").definition
    # What a service has done before another one refused is undone.
    desk.doors[2].refuses = True
    with pytest.raises(DoorRefused):
        await desk.keeper.open_port("shop")
    assert desk.doors[0].worlds["shop"] == desk.doors[1].worlds["shop"] == desk.keeper.get("shop").definition
    desk.doors[2].worlds["shop"] = {}
    async with desk.mending():
        assert [record.message for record in caplog.records if "refuses" in record.message] == [
            "store refuses the world shop, which is tried again: no"
        ]
        desk.clock.push(2.0)
        await desk.turn()
        desk.doors[2].refuses = False
        desk.clock.push(2.0)
        await desk.turn()
    assert desk.doors[2].worlds["shop"] == desk.keeper.get("shop").definition
    assert len([record for record in caplog.records if "refuses" in record.message]) == 1


async def test_a_world_that_is_being_changed_is_compared_later(desk: Desk) -> None:
    await desk.keeper.make({"id": "shop"})
    desk.restart()
    desk.doors[0].worlds["shop"] = {}
    desk.keeper._changes.begin("shop")
    async with desk.mending():
        assert desk.doors[0].worlds["shop"] == {}
        desk.keeper._changes.end("shop")
        desk.clock.push(2.0)
        await desk.turn()
    assert desk.doors[0].worlds["shop"] == desk.keeper.get("shop").definition


async def test_what_is_changed_while_a_service_is_compared_is_left_alone(desk: Desk) -> None:
    """What the service has said is old then: by it a world that was dropped would come again."""
    await desk.keeper.make({"id": "shop"})
    await desk.keeper.make({"id": "other"})
    desk.restart()
    door = desk.doors[0]
    asked, put = door.get, door.put

    async def get(path: str) -> Any:
        answer = await asked(path)
        if path == "/worlds" and "late" not in desk.keeper._in_force:
            await desk.keeper.make({"id": "late"})
            await desk.keeper.drop("shop")
            answer["worlds"]["other"] = "an old one"
        return answer

    async def put_slowly(path: str, value: Any) -> None:
        if path == "/worlds/other" and value in door.worlds.values():
            await desk.keeper.drop("other")  # its deletion overtakes this
        await put(path, value)

    door.get, door.put = get, put_slowly  # type: ignore[method-assign]
    async with desk.mending():
        assert sorted(door.worlds) == ["late", "other"]
        desk.clock.push(2.0)
        await desk.turn()
    assert desk.listed() == [["late"]] * 4


async def test_ports_are_opened_and_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, world_ports="1026-1028", ports_per_world="2")
    keeper = desk.keeper
    await keeper.make({"id": "one"})
    await keeper.make({"id": "two"})
    assert [await keeper.open_port("one"), await keeper.open_port("one")] == [1026, 1027]
    assert all(door.worlds["one"]["ports"] == [1026, 1027] for door in desk.doors)
    with pytest.raises(Beyond, match="The world one has 2 ports, as many as POSTROAD_PORTS_PER_WORLD allows"):
        await keeper.open_port("one")
    with pytest.raises(Taken, match="The port 1027 is the world one's") as error:
        await keeper.open_port("two", 1027)
    assert error.value.world == "one"
    assert await keeper.open_port("two", 1028) == 1028
    with pytest.raises(Beyond, match="None of the 3 ports of POSTROAD_WORLD_PORTS is free"):
        await keeper.open_port("two")
    await keeper.close_port("one", 1027)
    with pytest.raises(NoSuchPort):
        await keeper.close_port("one", 1027)
    await keeper.close_port("one", 1026)
    # What was closed last is given out last.
    assert [await keeper.open_port("two"), await keeper.open_port("one")] == [1027, 1026]
    desk.restart()
    keeper = desk.keeper
    assert (keeper.get("one").ports, keeper.get("two").ports) == ((1026,), (1028, 1027))
    with pytest.raises(Beyond, match="POSTROAD_WORLD_PORTS"):
        await keeper.open_port("one")
    await keeper.drop("two")
    with pytest.raises(NoSuchWorld):
        await keeper.open_port("two")
    assert await keeper.open_port("one") in {1027, 1028}


async def test_a_port_that_another_program_has_is_passed_over(tmp_path: Path) -> None:
    desk = Desk(tmp_path, world_ports="1026-1028")
    keeper = desk.keeper
    await keeper.make({"id": "one"})
    desk.doors[1].ports = {1026, 1027}
    with pytest.raises(DoorRefused, match="1026") as error:
        await keeper.open_port("one", 1026)
    assert error.value.status == 409
    assert await keeper.open_port("one") == 1028
    with pytest.raises(Beyond, match="None of the 3 ports"):
        await keeper.open_port("one")
    assert all(door.worlds["one"]["ports"] == [1028] for door in desk.doors)
    desk.doors[1].ports.clear()
    desk.doors[0].away = True
    with pytest.raises(DoorAway):
        await keeper.open_port("one")
    desk.doors[0].away = False
    assert keeper.get("one").ports == (1028,)
    assert await keeper.open_port("one") in {1026, 1027}


async def test_ports_of_a_range_that_is_another_one_now_stay(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.keeper.make({"id": "one"})
    await desk.keeper.open_port("one")
    desk.database.close()
    desk = Desk(tmp_path, world_ports="3000")
    assert desk.keeper.get("one").ports == (1026,)
    assert await desk.keeper.open_port("one") == 3000
    await desk.keeper.close_port("one", 1026)
    with pytest.raises(Beyond):
        await desk.keeper.open_port("one")


async def test_a_world_expires(desk: Desk) -> None:
    await desk.keeper.make({"id": "short", "ttl": 10})
    await desk.keeper.make({"id": "long", "ttl": 100})
    await desk.keeper.make({"id": "ever"})
    async with desk.mending():
        desk.clock.push(11.0)
        await desk.turn()
        assert desk.listed() == [["long", "ever"]] * 4
        await desk.keeper.change("long", {"ttl": None})
        desk.clock.push(1000.0)
        await desk.turn()
    assert desk.listed() == [["long", "ever"]] * 4


async def test_a_world_is_changed(desk: Desk) -> None:
    await desk.keeper.make({"id": "shop", "password": "pw"})
    shop, domain, account = await desk.keeper.add_account("shop", None, {"name": "ann"})
    assert (shop.accounts, domain, account) == (1, "shop.test", {"name": "ann", "password": "pw"})
    await desk.keeper.add_account("shop", "SHOP.test", {"name": "ben@shop.test", "password": "x"})
    with pytest.raises(NoSuchDomain):
        await desk.keeper.add_account("shop", "other.test", {"name": "ann"})
    with pytest.raises(OverlayError):
        await desk.keeper.add_account("shop", None, {"name": "ann"})
    changed = await desk.keeper.change("shop", {"owner": "me", "imap_without": ["IDLE"], "ttl": 5})
    assert (changed.definition["owner"], changed.expires) == ("me", NOW + 5)
    assert all(door.worlds["shop"] == changed.definition for door in desk.doors)
    desk.doors[0].refuses = True
    with pytest.raises(DoorRefused):
        await desk.keeper.change("shop", {"imap_without": ["MOVE"]})
    assert desk.keeper.get("shop") == changed
    desk.restart()
    assert desk.keeper.get("shop") == changed


async def test_changes_take_turns(desk: Desk) -> None:
    await desk.keeper.make({"id": "shop"})
    adding = [desk.keeper.add_account("shop", None, {"name": f"u{number}"}) for number in range(5)]
    await asyncio.gather(*adding, desk.keeper.open_port("shop"), desk.keeper.change("shop", {"owner": "me"}))
    shop = desk.keeper.get("shop")
    assert (shop.accounts, len(shop.ports), shop.definition["owner"]) == (5, 1, "me")
    assert all(door.worlds["shop"] == shop.definition for door in desk.doors)
    # What comes behind a drop finds nothing; what was cancelled while it waited leaves nothing behind.
    dropping, changing, cancelled = (
        asyncio.create_task(work)
        for work in (
            desk.keeper.drop("shop"),
            desk.keeper.change("shop", {"owner": "you"}),
            desk.keeper.drop("shop"),
        )
    )
    await asyncio.sleep(0)
    cancelled.cancel()
    await dropping
    with pytest.raises(NoSuchWorld):
        await changing
    assert desk.listed() == [[]] * 4
    await desk.keeper.make({"id": "shop"})


async def test_a_world_file_with_a_domain_of_a_world_is_refused(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.keeper.make({"id": "shop"})
    edited = parse_world((DEFAULT_WORLD + '[domains."shop.test"]\n').encode(), IPv4Network("127.1.2.0/24"))
    assert not desk.keeper.adopt(edited)
    assert "world refused: shop.test is the world shop's" in caplog.text
    assert desk.keeper.adopt(BASE)
    # One that was there before a restart is left out, and said so.
    desk.database.close()
    database = Database(desk.folder)
    keeper = Keeper(database, edited, desk.settings, desk.clock)
    assert list(keeper.others()) == []
    assert "the world shop is not in force" in caplog.text
    database.close()


async def test_a_database_that_can_not_be_written_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.keeper.make({"id": "kept"})

    def full(_made: object) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_exception(sqlite3.OperationalError("disk full"))
        return future

    with monkeypatch.context() as patched:
        patched.setattr(desk.database, "put", full)
        with pytest.raises(Unwritable, match="disk full"):
            await desk.keeper.make({"id": "new"})
    async with desk.mending():
        pass
    assert desk.listed() == [["kept"]] * 4
    with monkeypatch.context() as patched:
        patched.setattr(desk.database, "forget", full)
        with pytest.raises(Unwritable):
            await desk.keeper._clear("kept")
    assert list(desk.keeper.others()) == ["kept"]


def test_a_folder_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "worlds.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(
        sqlite3.DatabaseError, match=r"worlds\.sqlite: file is not a database; put a backup in its place"
    ):
        Database(tmp_path)
