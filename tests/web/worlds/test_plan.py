from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from postroad.world.overlay import OverlayError
from postroad_web.worlds.made import Made
from postroad_web.worlds.plan import NoSuchDomain, further, plan

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def secret() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"s{next(numbers)}"


def test_a_world_of_nothing_has_a_domain_and_a_capture_box(secret: Callable[[], str]) -> None:
    assert plan({}, "w1", secret) == {
        "id": "w1",
        "owner": "",
        "app": {"user": "w1", "password": "s1"},
        "capture": {"login": "outside@w1.test", "password": "s2"},
        "domains": [{"name": "w1.test", "accounts": [], "aliases": {}, "catch_all": None, "records": []}],
    }


@pytest.mark.parametrize(
    ("domains", "names"),
    [
        (3, ["w1.test", "w1-2.test", "w1-3.test"]),
        ([{}, {"name": "W1.test"}, {}], ["w1-2.test", "W1.test", "w1-3.test"]),
        ([], []),
    ],
)
def test_domains_get_names(domains: Any, names: list[str], secret: Callable[[], str]) -> None:
    definition = plan({"domains": domains}, "w1", secret)
    assert [domain["name"] for domain in definition["domains"]] == names
    assert ("capture" in definition) is bool(names)


def test_what_was_asked_for_is_in_the_definition(secret: Callable[[], str]) -> None:
    domain = {
        "name": "shop.test",
        "accounts": [
            {"name": "Outside"},
            {"name": "bob", "password": "x", "quota": "1M", "append_limits": {"INBOX": 0}},
        ],
        "aliases": {"outside-2": "bob"},
        "catch_all": "bob",
        "records": ["www A 203.0.113.9"],
    }
    asked = {"owner": "me", "password": "pw", "quota": "2M", "imap_without": ["MOVE"], "ttl": 5, "domains": [domain]}
    definition = plan(asked, "w1", secret)
    assert (definition["owner"], definition["quota"], definition["imap_without"]) == ("me", "2M", ["MOVE"])
    assert definition["capture"] == {"login": "outside-3@shop.test", "password": "pw"}
    accounts = [{"name": "Outside", "password": "pw"}, domain["accounts"][1]]  # type: ignore[index]
    assert definition["domains"] == [domain | {"accounts": accounts}]


def test_names_may_be_addresses_of_their_domain(secret: Callable[[], str]) -> None:
    domain = {
        "name": "Bücher.test.",
        "accounts": [{"name": "ann@xn--bcher-kva.TEST"}, {"name": '"a b"@bücher.test'}],
        "aliases": {"sales@bücher.test": "ann"},
    }
    (planned,) = plan({"domains": [domain]}, "w1", secret)["domains"]
    assert planned["name"] == "Bücher.test"
    assert [account["name"] for account in planned["accounts"]] == ["ann", "a b"]
    assert planned["aliases"] == {"sales": "ann"}
    with pytest.raises(OverlayError, match=r"domains.0.accounts.0.name: ann@a is not in a\.\.b"):
        plan({"domains": [{"name": "a..b", "accounts": [{"name": "ann@a"}]}]}, "w1", secret)


def test_a_world_that_was_made(secret: Callable[[], str]) -> None:
    world = Made(plan({"domains": [{"accounts": [{"name": "bob"}]}, {}]}, "w1", secret), 5.0)
    assert (world.id, world.app_password, world.accounts) == ("w1", "s2", 1)
    assert world.size > 100


def test_a_further_account_has_a_name_that_is_free(secret: Callable[[], str]) -> None:
    definition = plan({"domains": [{"accounts": [{"name": "bob"}], "aliases": {"team": "bob"}}, {}]}, "w1", secret)
    assert definition["capture"]["login"] == "outside@w1.test"
    for taken in ("bob", "Bob@w1.test", "team", "outside", "OUTSIDE@w1.test"):
        with pytest.raises(OverlayError, match="exists already"):
            further(definition, {"name": taken}, None, None, secret)
    with pytest.raises(NoSuchDomain):
        further(definition, {"name": "bob@w9.test"}, None, None, secret)
    for name, domain, at in (
        ("eve", None, "domains.0.accounts.1"),
        ("outside", "w1-2.test", "domains.1.accounts.0"),  # the capture box is in the first domain
        ("bob@w1-2.test", None, "domains.1.accounts.0"),
    ):
        more = further(definition, {"name": name}, domain, "pw", secret)
        assert (more.account["name"], more.account["password"], more.at) == (name.partition("@")[0], "pw", at)
    assert len(definition["domains"][0]["accounts"]) == 1  # it is as it was
    wanted = {"quota": "1M", "imap_without": ["MOVE"], "append_limits": {"INBOX": 5}}
    more = further(definition, {"name": "eve", "password": "own", **wanted}, None, "pw", secret)
    assert more.account == {"name": "eve", "password": "own", **wanted}
    assert "quota" not in further(definition, {"name": "eve"}, None, None, secret).account
