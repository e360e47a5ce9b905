"""Settings: defaults, every kind of value, and a sentence for what is wrong."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from postroad import config
from postroad.config import ConfigError, Outside, Settings, UnknownUsers, variable_of
from postroad.sasl.oauth import Errors


def test_defaults() -> None:
    settings = Settings.from_environ({"PATH": "/bin"})
    assert settings.network == IPv4Network("127.0.0.0/24")
    assert settings.message_size == 50 * 1024 * 1024
    assert settings.retry == (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
    assert settings.expiry == 5 * 86400
    assert (settings.outside, settings.unknown_users) == (Outside.CAPTURE, UnknownUsers.REJECT)
    assert (settings.sender_check, settings.plaintext_auth) == (True, False)
    assert settings.trusted_networks == ()
    assert settings.tls_dir == Path("data/tls")
    assert {settings.ca_dir, settings.journal_dir, settings.spool_dir, settings.mail_dir} == {
        Path("data") / name for name in ("ca", "journal", "spool", "mail")
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("network", "10.9.8", IPv4Network("10.9.8.0/24")),
        ("trusted_networks", "10.0.0.0/8, 192.0.2.1", (IPv4Network("10.0.0.0/8"), IPv4Network("192.0.2.1/32"))),
        ("outside", "bounce", Outside.BOUNCE),
        ("plaintext_auth", "on", True),
        ("message_size", "65536", 65536),
        ("message_size", "3G", 3 << 30),
        ("retry", "500ms 2h", (0.5, 7200)),
        ("retry", "1s, 2s", (1, 2)),
        ("imap_without", "MOVE, idle UIDPLUS", ("MOVE", "idle", "UIDPLUS")),
        ("imap_with", "XLIST", ("XLIST",)),
        ("listen", "::1", "::1"),
        ("expiry", "1.5h", 5400),
        ("imap_port", "65535", 65535),
        ("recipients", "100", 100),
        ("log_level", "debug", "debug"),
        ("listen", "0.0.0.0", "0.0.0.0"),
        ("web_auth", "ann:secret  bob:a:b", (("ann", "secret"), ("bob", "a:b"))),
        ("keep_messages", "0", 0),
        ("keep_messages", "500", 500),
        ("keep_age", "0", 0.0),
        ("keep_age", "7d", 7 * 86400),
        ("pop3_expire", "never", None),
        ("pop3_expire", "30", 30),
        ("pop3_login_delay", "5m", 300.0),
        ("oauth_errors", "gmail", Errors.GMAIL),
        ("sasl_without", "CRAM-MD5,XOAUTH2", ("CRAM-MD5", "XOAUTH2")),
        ("release", "smtps://user:p%40ss@mail.example.org", "smtps://user:p%40ss@mail.example.org"),
        ("release", "smtp://[2001:db8::1]:2525/", "smtp://[2001:db8::1]:2525/"),
        ("published", "app=2025 imap=143", (("app", 2025), ("imap", 143))),
    ],
)
def test_values(name: str, text: str, value: object) -> None:
    settings = Settings.from_environ({f"POSTROAD_{name.upper()}": text})
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("NETWORK", "999.1.1", "must be the first three numbers"),
        ("NETWORK", "10.9.256", "10.9.256"),
        ("TRUSTED_NETWORKS", "10.0.0.1/8", "has host bits set"),
        ("OUTSIDE", "reject", "must be one of capture, bounce, refuse"),
        ("UNKNOWN_USERS", "", "must be one of create, reject"),
        ("SENDER_CHECK", "yes", "must be on or off"),
        ("MESSAGE_SIZE", "50 MB", "must be a number of octets"),
        ("RETRY", "", "must be one time or more"),
        ("RETRY", "1s 2x", "must be a time such as"),
        ("EXPIRY", "-1s", "must be a time such as"),
        ("EXPIRY", "9999d", "no more than 3650d"),
        ("RETRY", "0", "above 0"),
        ("MESSAGE_SIZE", "0", "must be a number of octets above 0"),
        ("MESSAGE_SIZE", "1" * 5000, "must be a number of octets above 0"),
        ("LISTEN", "localhost", "must be an IP address such as 0.0.0.0"),
        ("IMAP_PORT", "²", "must be a port number"),
        ("TRUSTED_NETWORKS", "fd00::/8", "must be IPv4 networks such as 10.0.0.0/8"),
        ("UNKNOWN_PASSWORD", "", "the password is empty"),
        ("IMAP_PORT", "0", "must be a port number"),
        ("IMAP_PORT", "imap", "must be a port number"),
        ("RECIPIENTS", "0", "must be a whole number above 0"),
        ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("WEB_AUTH", "ann", "must be user:password"),
        ("WEB_AUTH", ":secret", "must be user:password"),
        ("KEEP_MESSAGES", "-1", "must be a whole number"),
        ("KEEP_AGE", "week", "must be a time such as"),
        ("POP3_EXPIRE", "soon", "must be never, or a number of days"),
        ("OAUTH_ERRORS", "yahoo", "must be one of rfc, gmail, exchange"),
        ("RELEASE", "mail.example.org:25", "must be smtp://host"),
        ("RELEASE", "smtp://mail.example.org:x", "must be smtp://host"),
        ("RELEASE", "smtp://mail.example.org:0", "must be smtp://host"),
        ("RELEASE", "smtp://mail.example.org/path", "must be smtp://host"),
        ("RELEASE", "http://mail.example.org", "must be smtp://host"),
        ("PUBLISHED", "app", "must be names and ports"),
        ("PUBLISHED", "app=x", "must be names and ports"),
        ("PORT", "25", "is not a setting of Postroad"),
    ],
)
def test_what_is_wrong(name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({f"POSTROAD_{name}": text})
    assert str(caught.value).startswith(f"POSTROAD_{name}")
    assert said in str(caught.value)


def test_where_the_api_is_is_told_to_its_clients_and_is_no_setting() -> None:
    assert Settings.from_environ({"POSTROAD_URL": "http://localhost:8025"}) == Settings.from_environ({})


def test_no_password_is_shown() -> None:
    with pytest.raises(ConfigError, match=r"^POSTROAD_UNKNOWN_PASSWORD: a scrypt hash is") as caught:
        Settings.from_environ({"POSTROAD_UNKNOWN_PASSWORD": "$scrypt$hunter2"})
    assert "hunter2" not in str(caught.value)
    for name, text in (("WEB_AUTH", "hunter2"), ("RELEASE", "http://ann:hunter2@mail.example.org")):
        with pytest.raises(ConfigError, match=f"^POSTROAD_{name}: must be") as caught:
            Settings.from_environ({f"POSTROAD_{name}": text})
        assert "hunter2" not in str(caught.value)


def test_the_front_is_the_first_address_of_the_network() -> None:
    """So an app that is told localhost finds it."""
    assert Settings.from_environ({}).front == "127.0.0.1"
    assert Settings.from_environ({"POSTROAD_NETWORK": "127.3.4"}).front == "127.3.4.1"
    assert Settings.from_environ({"POSTROAD_LISTEN": "0.0.0.0"}).front == "0.0.0.0"


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({"POSTROAD_X": "1", "POSTROAD_RETRY": "x", "POSTROAD_EXPIRY": "x"})
    assert len(str(caught.value).splitlines()) == 3


def test_every_setting_is_in_the_example() -> None:
    text = config.example()
    for setting in dataclasses.fields(Settings):
        assert f"\n#{variable_of(setting)}={setting.metadata['default']}\n" in text


def test_the_example_is_printed() -> None:
    printed = subprocess.run([sys.executable, "-m", "postroad.config"], capture_output=True, text=True, check=True)
    assert printed.stdout == config.example()


def test_greenmails_options_count_where_its_ports_are_open() -> None:
    wrong = {"GREENMAIL_OPTS": "-Dgreenmail.users=bob:s3cret -Dgreenmail.users.login=name"}
    assert Settings.from_environ(wrong).habits is None
    with pytest.raises(
        ConfigError, match=r"^GREENMAIL_OPTS: greenmail\.users\.login must be local_part or email"
    ) as error:
        Settings.from_environ(wrong | {"POSTROAD_GREENMAIL": "on"})
    assert "s3cret" not in str(error.value)
    habits = Settings.from_environ({"POSTROAD_GREENMAIL": "on"}).habits
    assert habits is not None
    assert habits.auth_disabled


@pytest.mark.parametrize(
    ("text", "ports"),
    [("1100-1102", range(1100, 1103)), ("1100", range(1100, 1101)), ("65535-65535", range(65535, 65536))],
)
def test_ports_of_worlds(text: str, ports: range) -> None:
    assert Settings.from_environ({"POSTROAD_WORLD_PORTS": text}).world_ports == ports


@pytest.mark.parametrize("text", ["", "-", "1100-", "-1100", "1102-1100", "0-10", "1100-70000", "1100-1101-1102", "x"])
def test_ports_of_worlds_that_are_none(text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"POSTROAD_WORLD_PORTS=.*: must be a port number, or the first and the last one"
    ):
        Settings.from_environ({"POSTROAD_WORLD_PORTS": text})


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (
            {"POSTROAD_APP_PORT": "1030"},
            "POSTROAD_WORLD_PORTS=1026-1033: 1030 is POSTROAD_APP_PORT; give worlds others",
        ),
        ({"POSTROAD_WORLD_PORTS": "8000-8100"}, "8000-8100: 8025 is POSTROAD_WEB_PORT"),
        ({"POSTROAD_PUBLISHED": "app=2025 imap=1027"}, "1027 is POSTROAD_IMAP_PORT"),
    ],
)
def test_ports_of_worlds_are_no_other_doors(others: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Settings.from_environ(others)
