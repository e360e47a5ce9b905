"""Accounts in a world file: a password, or a table with more; and what SASL makes of them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.sasl.scram_hash import Salted, ScramHash
from postroad.sasl.token import Grant, digest, mint
from postroad.world.realm import AccountRealm
from postroad.world.source import WorldError, parse_world

if TYPE_CHECKING:
    from postroad.world.world import World

KEY = b"key of the tests"
SCRAM = str(ScramHash.derive("x", "sha256", Salted(b"salt")))
HEAD = """\
{top}
[hosts]
"ns.x.test" = {{ address = 53, role = "dns" }}
"r.x.test" = {{ address = 25, role = "relay" }}
"mx.x.test" = {{ address = 143, role = "store" }}
[domains."x.test"]
mx = ["10 mx.x.test"]
"""


def read(accounts: str, top: str = "") -> World:
    return parse_world((HEAD.format(top=top) + accounts).encode(), IPv4Network("127.0.0.0/24"))


def test_append_limits_of_mailboxes() -> None:
    world = read(
        """\
accounts.ann = "wonderland"
[domains."x.test".accounts.ben]
password = "y"
append_limits = { inbox = "10K", Drafts = 0, "a/b" = 1000, Sent = "0" }
"""
    )
    ann, ben = world.account("ann@x.test"), world.account("ben@x.test")
    assert ann is not None
    assert ben is not None
    assert ann.append_limits == {}
    assert ben.append_limits == {"INBOX": 10240, "Drafts": 0, "a/b": 1000, "Sent": 0}


def test_a_table() -> None:
    world = read(
        f"""\
accounts.ann = "wonderland"
accounts.ben = '{SCRAM}'
accounts.eve = {{ tokens = ["t0", "{"t" * 4096}"] }}
[domains."x.test".accounts.dan]
password = "secret"
imap_without = ["IDLE"]
tokens = ["t1", {{ token = "t2==", scope = "imap smtp", expires = 2030-01-01T00:00:00Z }}]
""",
        'administrators = ["ANN@x.test"]',
    )
    dan = world.account("dan@x.test")
    assert dan is not None
    assert (dan.secret, dan.imap_without) == ("secret", frozenset({"IDLE"}))
    assert world.administrators == {"ann@x.test"}
    assert world.forms == {"plain", "sha256"}
    assert world.tokens == {
        digest("t0"): Grant("eve@x.test"),
        digest("t" * 4096): Grant("eve@x.test"),
        digest("t1"): Grant("dan@x.test"),
        digest("t2=="): Grant("dan@x.test", frozenset({"imap", "smtp"}), 1893456000.0),
    }
    assert "t0" not in repr(world)
    assert "secret" not in repr(world)
    eve = world.account("eve@x.test")
    assert eve is not None
    assert eve.secret == ""


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ("accounts.a = 1", "8: the password of a@x.test must be a string, or a table with it"),
        ("accounts.a = {}", "8: a@x.test has neither a password nor tokens, so nobody could log in"),
        ("accounts.a = { password = 1 }", "8: the password of a@x.test must be a string"),
        ("accounts.a = { password = 'x', pasword = 'x' }", "8: unknown key 'pasword': an account has password, imap"),
        ("accounts.a = 'SCRAM-SHA-256$x'", "8: the password of a@x.test is of no use: a SCRAM hash is"),
        ("accounts.a = { tokens = 'x' }", "8: the tokens of a@x.test must be a list of strings or of tables"),
        ("accounts.a = { tokens = [\n'x',\n1] }", "10: a token of a@x.test must be a string, or a table with token"),
        ("accounts.a = { tokens = [{ scope = 'imap' }] }", "8: a token of a@x.test must be a string, or a table"),
        (
            "accounts.a = { tokens = [{ token = 'x', scpe = '' }] }",
            "8: unknown key 'scpe': a token has token, scope, ex",
        ),
        (
            f"accounts.a = {{ tokens = ['{'t' * 4097}'] }}",
            "8: a token of a@x.test has letters, digits and -._~+/ alone",
        ),
        ("accounts.a = { tokens = ['a b'] }", "8: a token of a@x.test has letters, digits and -._~+/ alone"),
        (
            "accounts.a = { tokens = [{ token = 'x', scope = 'all' }] }",
            "8: there is no scope 'all'; there are imap, pop,",
        ),
        ("accounts.a = { tokens = [{ token = 'x', scope = '' }] }", "8: a token needs a scope"),
        ("accounts.a = { tokens = [{ token = 'x', scope = 1 }] }", "8: a token needs a scope"),
        ("accounts.a = { tokens = [{ token = 'x', expires = 1 }] }", "8: expires is a time with its zone"),
        ("accounts.a = { tokens = [{ token = 'x', expires = 2030-01-01T00:00:00 }] }", "8: expires is a time with its"),
        (
            "accounts.a = { tokens = ['x'] }\naccounts.b = { tokens = ['x'] }",
            "9: a token of b@x.test is the same as the one on line 8",
        ),
    ],
)
def test_errors_with_their_places(accounts: str, expected: str) -> None:
    with pytest.raises(WorldError) as error:
        read(accounts)
    assert any(f"world.toml:{expected}" in line for line in str(error.value).splitlines()), str(error.value)


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ('administrators = ["nobody@x.test"]', "1: the administrator nobody@x.test is no account of this world"),
        ('administrators = ["nobody"]', "1: administrator 'nobody': "),
        ('administrators = "ann@x.test"', "1: administrators must be a list of strings"),
    ],
)
def test_administrators_are_accounts(top: str, expected: str) -> None:
    with pytest.raises(WorldError) as error:
        read("accounts.ann = 'x'", top)
    assert f":{expected}" in str(error.value)


def test_a_realm_follows_its_world() -> None:
    world = read(f"accounts.ann = 'x'\naccounts.ben = '{SCRAM}'")
    realm = AccountRealm(world.account, lambda: world, key=KEY, clock=Clock(wall=lambda: 7.0))
    assert realm.salted("ben@x.test", "sha256") == Salted(b"salt")
    assert realm.salted("ben@x.test", "sha1") != Salted(b"salt")
    assert realm.salted("ann@x.test", "sha256") == realm.salted("ANN@x.test", "sha256")
    assert realm.now() == 7.0
    grant = Grant("ann@x.test", expires=9.0)
    assert realm.grant(mint(KEY, grant, now=7.0, unique="1")) == grant
    assert realm.grant("unknown") is None
    created = AccountRealm(
        lambda _: None, lambda: read(f"accounts.ben = '{SCRAM}'"), key=KEY, clock=Clock(), created=True
    )
    assert created.forms == {"plain", "sha256"}
