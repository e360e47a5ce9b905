"""The world file: what it becomes, every error with its line, and edits picked up while it is watched."""

from __future__ import annotations

import os
import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from postroad.mail.address import Address, parse_address
from postroad.world.source import MAX_FILE, WorldError, WorldFile, load_world, parse_world
from postroad.world.world import MX, Role, World

NETWORK = IPv4Network("127.0.0.0/24")
DEFAULT = Path(__file__).parents[3] / "services" / "world.toml"

HOSTS = """\
[hosts]
"ns.x.test" = { address = 53, role = "dns" }
"relay.x.test" = { address = "127.0.0.25", role = "relay" }
"mx.x.test" = { address = 143, role = "store" }
[domains."x.test"]
mx = ["10 mx.x.test"]
accounts = { ann = "secret" }
"""  # seven lines


def parse(text: str) -> World:
    return parse_world(text.encode(), NETWORK)


def errors_of(text: str) -> list[str]:
    with pytest.raises(WorldError) as caught:
        parse(text)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return list(caught.value.errors)


def logins(world: World, address: str) -> list[str]:
    return [account.login for account in world.resolve(parse_address(address))]


def test_the_default_world() -> None:
    world = load_world(DEFAULT, IPv4Network("172.31.25.0/24"))
    assert {role: str(world.host_of(role).address) for role in Role} == {
        "dns": "172.31.25.53",
        "relay": "172.31.25.25",
        "store": "172.31.25.143",
    }
    assert logins(world, "alice@alpha.test") == ["alice@alpha.test"]
    assert logins(world, "Alice+news@ALPHA.test") == ["alice@alpha.test"]
    assert logins(world, "team@alpha.test") == ["alice@alpha.test", "carol@alpha.test"]
    assert logins(world, "whoever@alpha.test") == ["carol@alpha.test"]
    assert logins(world, "nobody@beta.test") == []
    assert {login: account.secret for login in ("alice", "carol") if (account := world.account(f"{login}@alpha.test"))}
    assert world.account("bob@beta.test") is not None
    assert world.capture == Address("capture", "postroad.test")


def test_names_are_normalised() -> None:
    world = parse(
        HOSTS
        + """
        [domains."Bücher.TEST"]
        mx = ["0 ."]
        catch-all = "Ann@X.Test"
        accounts = { "Jürgen" = "pw", "two words" = "pw" }
        aliases = { info = "Jürgen@bücher.test" }
        records = ['www A 192.0.2.1']
        """
    )
    books = world.domains["xn--bcher-kva.test"]
    assert books.mx == (MX(0, "."),)
    assert list(books.accounts) == ["jürgen", "two words"]
    assert books.aliases["info"] == (Address("Jürgen", "xn--bcher-kva.test"),)
    assert logins(world, "info@bücher.test") == ["jürgen@xn--bcher-kva.test"]
    assert logins(world, "other@bücher.test") == ["ann@x.test"]
    assert books.records == ("www A 192.0.2.1",)


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_mistake() -> None:
    world = parse_world(b"\xef\xbb\xbf" + HOSTS.replace("\n", "\r\n").encode(), NETWORK)
    assert logins(world, "ann@x.test") == ["ann@x.test"]


def test_an_alias_may_lead_to_the_postmaster_that_every_domain_has() -> None:
    world = parse(HOSTS + "aliases.root = 'postmaster@x.test'")
    assert logins(world, "root@x.test") == logins(world, "postmaster@x.test") != []


def test_host_addresses_follow_the_network() -> None:
    text = HOSTS.replace('"127.0.0.25"', "25")
    world = parse_world(text.encode(), IPv4Network("10.9.8.0/24"))
    assert world.hosts["relay.x.test"].address == IPv4Address("10.9.8.25")


# The text (after HOSTS where it starts with a line end), and all of its errors without the file's name.
BAD = [
    ("", "1: no host has the role dns, and one must", "1: no host has the role relay, and one must"),
    ("hosts = 3", "1: hosts must be a table", "1: no host has the role"),
    ("a = 1\nb = \n", "2: Invalid value"),
    ("a = 1\n[x", "2: "),
    ('\n"unfinished', "9: "),
    ("\n[oh]", "9: unknown key 'oh': the world has capture, administrators, hosts, domains"),
    ("\nnoise = 1", "9: unknown key 'noise': a domain has mx, catch-all, accounts, aliases, records, imap_without"),
    (
        "\n[domains.y.test]",
        "9: unknown key 'test': a domain has mx, catch-all, accounts, aliases, records, imap_without; a name with",
    ),
    (
        "\n[domains.'y.test']\nacounts.a = 'x'\nmx = ['1 mx.y.test']\naliases.a = 'a@y.test'",
        "10: unknown key 'acounts': a domain has mx, catch-all, accounts, aliases, records, imap_without",
        "11: the MX mx.y.test is no host of this world",
        "12: alias loop",
    ),
    ("\n[domains]\n'y.test' = 3", "10: the domain y.test must be a table"),
    ("domains = 3\n", "1: domains must be a table"),
    ("\n[domains]\n'y.test' = 3\n'x_y.test' = {}\n'z.test' = 3", "10: the", "11: domain: ", "12: the domain z.test"),
    ("\n[domains.'-y.test']", "9: domain: '-y.test' is not a domain name"),
    (f"\n[domains.'{'a.' * 125}test']", f"9: domain: {'a.' * 125}test is over 253 characters"),
    ("\n[domains.'xn--é.test']", "9: domain: "),
    ("\n[domains.'www.XN--99999999.test']", "9: domain: 'xn--99999999' is not an A-label: "),
    ("\n[domains.'X.Test.']", "9: the domain x.test is here twice, first on line 5"),
    ("\n[domains.'0.0.127.in-addr.arpa']", "9: 0.0.127.in-addr.arpa is in the reverse zone 0.0.127."),
    ("\n[domains.'x.0.0.127.in-addr.arpa']", "9: x.0.0.127.in-addr.arpa is in the reverse zone 0.0.127.in-addr.arpa, "),
    ("\n[domains.'y.test']\naccounts = ['a']", "10: accounts must be a table"),
    (
        "\n[domains.'y.test']\naccounts = { a = 1 }",
        "10: the password of a@y.test must be a string",
    ),
    (
        "\n[domains.'y.test']\naccounts = { a = { b = 1 } }",
        "10: unknown key 'b': an account has password, imap_without, quota",
    ),
    (
        "\n[domains.'y.test']\naccounts = { a = {} }",
        "10: a@y.test has neither a password nor tokens, so nobody could log in",
    ),
    ("\n[domains.'y.test'.accounts.a]\npassword = 'x'\nsieve = 1", "11: the script of a@y.test must be a string"),
    (
        "\n[domains.'y.test'.accounts.a]\npassword = ''\nimap_without = 'IDLE'",
        "10: the password of a@y.test is of no use: the password is empty",
        "11: imap_without must be a list of strings",
    ),
    (
        "\n[domains.'y.test'.accounts.a]\npassword = ''\nquota = 'many'",
        "11: the quota of a@y.test must be a size, a number of messages, or both, such as 100M 1000 messages, or none",
    ),
    (
        "\n[domains.'y.test'.accounts.a]\npassword = ''\nappend_limits = 5",
        "11: append_limits must be a table of mailboxes and sizes",
    ),
    (
        "\n[domains.'y.test'.accounts.a]\npassword = ''\n[domains.'y.test'.accounts.a.append_limits]\nDrafts = '10X'",
        "12: the append limit of Drafts must be 0, or a size such as 10K",
    ),
    (
        "\n[domains.'y.test'.accounts.a]\npassword = ''\nappend_limits = { Sent = true, Drafts = -1 }",
        "11: the append limit of Sent must be 0, or a size such as 10K",
        "11: the append limit of Drafts must be 0, or a size such as 10K",
    ),
    (
        "\n[domains.'y.test'.accounts.a]\npassword = ''\nquota = 5",
        "11: the quota of a@y.test must be a size, a number of messages, or both, such as 100M 1000 messages, or none",
    ),
    ("\n[domains.'y.test']\nimap_without = [\n'IDLE',\n'a b']", "12: imap_without: there is no IMAP capability 'a b'"),
    ("\n[domains.'y.test']\naccounts = { a = '' }", "10: the password of a@y.test is of no use: the password is empty"),
    (
        "\n[domains.'y.test']\naccounts = { a = '$scrypt$x' }",
        "10: the password of a@y.test is of no use: a scrypt hash",
    ),
    ("\n[domains.'y.test']\naccounts = { '\x7f' = 'x' }", "10: "),
    ("\n[domains.'y.test']\naccounts.\"a\\u0000\" = 'x'", "10: 'a\\x00' is not a local-part: "),
    ("\n[domains.'y.test']\naccounts.a = 'x'\naccounts.A = 'x'", "11: A@y.test is here twice, first on line 10"),
    (
        "\n[domains.'y.test']\naccounts.a = 'x'\n[domains.'y.test'.aliases]\na = 'ann@x.test'",
        "12: a@y.test is here twice, first on line 10",
    ),
    ("\naliases = 'x'", "9: aliases must be a table"),
    ("\naliases.a = 3", "9: the alias a@x.test must be a list of strings"),
    ("\naliases.a = []", "9: the alias a@x.test leads to no address"),
    ("\naliases.a = [\n'ann@x.test',\n3]", "11: the alias a@x.test must be a list of strings"),
    ("\naliases.'a..b' = 'ann@x.test'\naliases.'\x00' = 'ann@x.test'", "10: "),
    ("\naliases.a = 'ann'", "9: the alias a@x.test 'ann': an address is local-part@domain"),
    ("\naliases.a = 'ann@[127.0.0.1]'", "9: the alias a@x.test 'ann@[127.0.0.1]': an address literal is in no domain"),
    ("\naliases.a = 'ann@y.test'", "9: the alias a@x.test leads to ann@y.test, and y.test is no domain of this world"),
    ("\naliases.a = 'bo@x.test'", "9: the alias a@x.test leads to bo@x.test, and there is no such account or alias"),
    ("\naliases.a = 'a@x.test'", "9: alias loop: a@x.test -> a@x.test"),
    ("\naliases.a = 'a+b@x.test'", "9: alias loop: a@x.test -> a@x.test"),
    ("\naliases.a = ['a@x.test', 'a+b@x.test']", "9: alias loop: a@x.test -> a@x.test"),
    (
        "\naliases.a = 'b@x.test'\naliases.b = ['ann@x.test', 'a@x.test']",
        "9: alias loop: a@x.test -> b@x.test -> a@x.test",
    ),
    ("\ncatch-all = 'any@x.test'", "9: catch-all leads to any@x.test, and there is no such account or alias"),
    (
        "\ncatch-all = 'any@y.test'\n[domains.'y.test']\ncatch-all = 'any@x.test'",
        "9: alias loop: the catch-all of x.test -> the catch-all of y.test -> the catch-all of x.test",
    ),
    ("\n'{line}' = 1", "9: unknown key '{line}': a domain has"),
    ("\ncatch-all = 3", "9: catch-all must be an address in quotes"),
    ("\ncatch-all = 'a@y.test'", "9: catch-all leads to a@y.test, and y.test is no domain of this world"),
    ("capture = 'a@y.test'\n" + HOSTS, "1: capture leads to a@y.test, and y.test is no domain of this world"),
    ("capture = 'bo@x.test'\n" + HOSTS, "1: capture leads to bo@x.test, and there is no such account"),
    ("\n[domains.'y.test']\nmx = 'mx.x.test'", "10: mx must be a list of strings"),
    ("\n[domains.'y.test']\nmx = [3]", "10: mx must be a list of strings"),
    ("\n[domains.'y.test']\nmx = ['mx.x.test']", "10: an MX is a preference from 0 to 65535 and a host, not"),
    ("\n[domains.'y.test']\nmx = ['65536 mx.x.test']", "10: an MX is a preference from 0 to 65535 and a host, not"),
    ("\n[domains.'y.test']\nmx = [\n'1 mx.y.test']", "11: the MX mx.y.test is no host of this world"),
    ("\n[domains.'y.test']\nmx = [\n'1 m_x']", "11: mx: 'm_x' is not a domain name"),
    ("\n[domains.'y.test']\nmx = ['1 .']", '10: the null MX is "0 ." and must be the only MX'),
    ("\n[domains.'y.test']\nmx = ['1 mx.x.test',\n'0 .']", '11: the null MX is "0 ." and must be the only MX'),
    ("\n[domains.'y.test']\nmx = ['1 mx.x.test',\n'2 MX.x.test']", "11: the MX MX.x.test is here twice"),
    ("\n[domains.'y.test']\nrecords = ['www A 1.2.3']", "10: the record 'www A 1.2.3': 1.2.3 is not an IPv4 address"),
    ("\nrecords = ['a A 192.0.2.1', 'a TXT x',\n'mx A 192.0.2.1']", "10: mx.x.test is a host, whose address"),
    (HOSTS.replace("address = 53,", ""), "2: ns.x.test has no address"),
    ("# one\n" + HOSTS.replace("dns", "web"), "2: no host has the role dns", "3: the role of ns.x.test"),
    (HOSTS.replace("53", "1.5"), "2: the address of ns.x.test is no address"),
    (HOSTS.replace("53", "true"), "2: the address of ns.x.test is no address"),
    (HOSTS.replace("53", "0"), "2: the address of ns.x.test is an offset from 1 to 254, not 0"),
    (HOSTS.replace("53", "255"), "2: the address of ns.x.test is an offset from 1 to 254, not 255"),
    (HOSTS.replace("53", "'127.0.0.255'"), "2: the address of ns.x.test, 127.0.0.255, is the network's own or"),
    (HOSTS.replace("53", "'127.0.1.1'"), "2: the address of ns.x.test, 127.0.1.1, is outside the network 127.0.0.0/24"),
    (HOSTS.replace("53", "'::1'"), "2: the address of ns.x.test, '::1', is not an IPv4 address"),
    (HOSTS.replace("53", "25"), "3: relay.x.test and ns.x.test (line 2) both have the address 127.0.0.25"),
    (HOSTS.replace("53, role", "53, rule"), "1: no host has the role dns, and one must", "2: unknown key 'rule'"),
    (HOSTS.replace("dns", "web"), "1: no host has", "2: the role of ns.x.test must be dns, relay, store, or none"),
    (
        HOSTS.replace('relay"', 'dns"'),
        "1: no host has the role relay",
        "3: relay.x.test and ns.x.test (line 2) both have the role dns",
    ),
    (HOSTS.replace("ns.x.test", "ns.y.test"), "2: the host ns.y.test is in no domain of this world"),
    (
        HOSTS.replace('"mx.x.test" = {', '"MX.x.test" = { address = 9 }\n"mx.x.test" = {'),
        "5: the host mx.x.test is here",
    ),
    (
        HOSTS.replace('"mx.x.test" =', '"m_x.x.test" =').replace("10 mx", "10 m"),
        "1: no",
        "4: host: 'm_x.x.test'",
        "6: ",
    ),
    (
        HOSTS.replace('"mx.x.test" =', "mx.x.test ="),
        "1: no host",
        "4: unknown key 'x': a host",
        "6: the MX mx.x.test is",
    ),
    (HOSTS + '"ann" = 1\n[hosts."c.x.test"]', "9: ", "9: "),
]


@pytest.mark.parametrize(("text", "expected"), [(text, expected) for text, *expected in BAD])
def test_errors_with_their_places(text: str, expected: list[str]) -> None:
    errors = errors_of(HOSTS + text if text.startswith("\n") else text)
    for wanted in expected:
        assert any(error.startswith(f"world.toml:{wanted}") for error in errors), errors


def test_what_tomllib_itself_stumbles_over() -> None:
    assert errors_of("x = " + "[" * 5000) == ["world.toml:1: the file has brackets too deep in one another to be read"]
    assert "digits" in errors_of("x = " + "1" * 5000)[0]
    assert "an MX is a preference" in errors_of(HOSTS.replace("10 mx", f"{'1' * 5000} mx"))[0]


def test_the_hint_about_quotes_is_for_tables_alone() -> None:
    assert errors_of(f"{HOSTS}[domains.'y.test']\nnoise = 1") == [
        "world.toml:9: unknown key 'noise': a domain has mx, catch-all, accounts, aliases, records, imap_without"
    ]


def test_what_is_hidden_of_imap() -> None:
    world = parse(
        HOSTS
        + """
        [domains."y.test"]
        imap_without = ["move"]
        accounts = { ann = "pw", ben = { password = "pw", imap_without = ["IDLE", "UIDPLUS"] } }
        """
    )
    hidden = {name: account.imap_without for name, account in world.domains["y.test"].accounts.items()}
    assert hidden == {"ann": {"MOVE"}, "ben": {"MOVE", "IDLE", "UIDPLUS"}}
    assert world.domains["y.test"].imap_without == {"MOVE"}
    assert world.domains["x.test"].imap_without == set()


def test_the_store_knows_what_can_be_hidden() -> None:
    text = f"{HOSTS}[domains.'y.test']\naccounts.ann = {{ password = 'pw', imap_without = [\n'IDLE',\n'XYZ'] }}\n"
    with pytest.raises(WorldError) as caught:
        parse_world(text.encode(), NETWORK, why_not_hide={"IDLE": None, "XYZ": "no XYZ is here"}.__getitem__)
    assert caught.value.errors == ("world.toml:11: imap_without: no XYZ is here",)


def test_the_bounds_of_names_and_numbers() -> None:
    world = parse(HOSTS.replace("10 mx", "65535 mx") + "[domains.'0.127.in-addr.arpa']")
    assert world.domains["x.test"].mx == (MX(65535, "mx.x.test"),)
    assert world.domains["0.127.in-addr.arpa"].accounts == {}
    name = f"{'a.' * 124}alpha"
    assert len(name) == 253
    assert name in parse(f"{HOSTS}[domains.'{name}']").domains


def test_all_errors_are_told_at_once_in_the_order_of_lines() -> None:
    text = (
        HOSTS.replace("25", "24").replace("53", "0") + "catch-all = 'no@where.test'\nmore = 1\nrecords = ['x Y z', 3]\n"
    )
    assert [error.split(":")[1] for error in errors_of(text)] == ["2", "8", "9", "10", "10"]


def test_errors_of_a_host_that_is_written_as_a_table() -> None:
    host = '[hosts."a.x.test"]\naddress = 300\nrole = "web"\n[hosts."b.x.test"]\naddress = 53\nrole = "dns"\n'
    assert [error.split(": ")[0] for error in errors_of(HOSTS + host)] == [f"world.toml:{n}" for n in (9, 10, 12, 13)]


def test_a_capture_account_is_enough_for_capturing() -> None:
    assert parse_world(f"capture = 'ann@x.test'\n{HOSTS}".encode(), NETWORK, capturing=True).capture is not None
    with pytest.raises(WorldError, match="no capture account"):
        parse_world(HOSTS.encode(), NETWORK, capturing=True)


def test_a_host_may_have_the_name_of_its_domain() -> None:
    world = parse(HOSTS.replace('"mx.x.test" =', '"x.test" =').replace("10 mx.x.test", "10 x.test"))
    assert "x.test" in world.hosts


def test_a_loop_is_told_once() -> None:
    loop = "aliases = { a = 'b@x.test', b = 'c@x.test', c = 'a@x.test', d = ['b@x.test', 'a@x.test'] }"
    assert errors_of(HOSTS + loop) == ["world.toml:8: alias loop: a@x.test -> b@x.test -> c@x.test -> a@x.test"]
    each = "aliases = { a = ['b@x.test', 'c@x.test'], b = ['a@x.test', 'c@x.test'], c = ['a@x.test', 'b@x.test'] }"
    loops = [frozenset(error.split("loop: ")[1].split(" -> ")) for error in errors_of(HOSTS + each)]
    assert len(loops) == len(set(loops)) > 1


def test_a_chain_of_aliases_may_be_so_long_and_no_longer() -> None:
    def chain(count: int) -> str:
        steps = ", ".join(f"a{n} = 'a{n + 1}@x.test'" for n in range(count - 1))
        return f"{HOSTS}aliases = {{ {steps}, a{count - 1} = 'ann@x.test' }}"

    assert logins(parse(chain(20)), "a0@x.test") == ["ann@x.test"]
    assert errors_of(chain(21)) == ["world.toml:8: more than 20 aliases in a row lead on from a0@x.test"]
    for count, told in ((22, [0]), (41, [0]), (42, [0, 21]), (100, [0, 21, 42, 63])):
        assert errors_of(chain(count)) == [
            f"world.toml:8: more than 20 aliases in a row lead on from a{number}@x.test" for number in told
        ]
    # Another way into the same chain is as long.
    (first, second) = errors_of(chain(21).replace("a20 = 'ann@x.test'", "a20 = 'ann@x.test', x = 'a1@x.test'"))
    assert {first.split()[-1], second.split()[-1]} == {"a0@x.test", "x@x.test"}
    # Asked from the end too, where nothing is left to follow.
    last = f"{HOSTS}aliases = {{ z = 'y@x.test', y = 'ann@x.test' }}"
    assert logins(parse(last), "z@x.test") == ["ann@x.test"]


def test_a_chain_of_aliases_has_an_end() -> None:
    chain = "".join(f'a{n} = "a{n + 1}@x.test"\n' for n in range(5000))
    errors = errors_of(HOSTS + f'[domains."x.test".aliases]\n{chain}a5000 = "ann@x.test"')
    assert errors[0] == "world.toml:9: more than 20 aliases in a row lead on from a0@x.test"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)  # root may read anything
    with pytest.raises(
        WorldError, match=rf"cannot be read: Permission denied .*; chmod a\+r it, for user {os.getuid()}"
    ):
        load_world(tmp_path / "world.toml", NETWORK)


def test_a_file_that_is_not_utf8_one_that_is_not_there_and_one_without_end(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"world.toml:3: the file is not UTF-8"):
        parse_world(b"# a\n# b\n\xff", NETWORK)
    with pytest.raises(
        WorldError, match=r"none.toml: cannot be read: No such file or directory .*; set POSTROAD_WORLD to"
    ):
        load_world(tmp_path / "none.toml", NETWORK)
    endless = tmp_path / "endless.toml"
    endless.touch()
    os.truncate(endless, MAX_FILE + 1)
    with pytest.raises(WorldError, match=r"endless.toml: the file is over 16 MiB"):
        load_world(endless, NETWORK)


def test_only_a_regular_file_is_a_world(tmp_path: Path) -> None:
    fifo, sock = tmp_path / "fifo", tmp_path / "sock"
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(sock))
        for path, said in (
            (fifo, "fifo: cannot be read: it is a FIFO, and must be a regular file"),
            (tmp_path, f"{tmp_path.name}: cannot be read: it is a folder, and must be a regular file"),
            (Path("/dev/zero"), "zero: cannot be read: it is a device, and must be a regular file"),
            (sock, "sock: cannot be read: "),
        ):
            with pytest.raises(WorldError, match=said):
                load_world(path, NETWORK)


def test_the_version_changes_with_the_file(tmp_path: Path) -> None:
    file = WorldFile(tmp_path / "world.toml", NETWORK)
    assert file.version() is None
    file.path.write_text(HOSTS)
    before = file.version()
    assert before is not None
    file.path.write_text(HOSTS + "# more")
    assert file.version() != before
    assert "x.test" in file.load().domains


def test_a_dotted_name_without_quotes_is_the_only_error() -> None:
    """TOML reads it as a table in a table: what is missing there is not missing in the domain that was meant."""
    first, *others = errors_of(HOSTS + "[domains.y.test]\nmx = ['10 mx.x.test']\nelse = {}\n")
    assert "unknown key 'test'" in first
    assert first.endswith("a name with dots must be in quotes")
    assert not others


def test_the_last_address_of_the_network() -> None:
    assert parse(HOSTS.replace("53", "254")).host_of(Role.DNS).address == IPv4Address("127.0.0.254")
