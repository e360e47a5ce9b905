"""Where the stack listens, and what is said when it can't."""

from __future__ import annotations

import errno
import secrets
import socket
from pathlib import Path

import pytest

from postroad.config import Settings
from postroad.world.source import load_world
from postroad_stack.run import endpoints as module
from postroad_stack.run.endpoints import check_addresses, control_doors, first_steps, free_network, listeners
from postroad_stack.run.errors import RunError

WORLD = Path(__file__).parents[3] / "services" / "world.toml"


def test_listeners_and_first_steps(tmp_path: Path) -> None:
    settings = Settings.from_environ({"POSTROAD_WORLD": str(WORLD), "POSTROAD_NETWORK": "127.5.6"})
    world = load_world(settings.world, settings.network)
    endpoints = listeners(settings, world)
    assert endpoints["dns"] == ("127.5.6.53", 1053)
    assert endpoints["submission"] == ("127.5.6.25", 1587)
    assert endpoints["mx"] == ("127.5.6.143", 2525)
    assert endpoints["imaps"] == ("127.5.6.143", 1993)
    assert endpoints["app"] == ("127.5.6.1", 1025)
    assert endpoints["web"] == ("127.5.6.1", 8025)
    assert control_doors(settings, world)["control of store"] == ("127.5.6.143", 8026)
    text = "\n".join(first_steps(settings, world, endpoints))
    assert text.startswith("Point your app at 127.5.6.1:1025 (")
    assert "--mail-from alice@alpha.test --mail-rcpt bob@beta.test" in text
    assert "wonderland" not in text

    lonely = tmp_path / "world.toml"
    lonely.write_text(WORLD.read_text(encoding="utf-8").partition('[domains."alpha.test"]')[0], encoding="utf-8")
    assert "curl" not in "\n".join(first_steps(settings, load_world(lonely, settings.network), endpoints))


def test_the_first_step_on_this_machine() -> None:
    settings = Settings.from_environ({"POSTROAD_WORLD": str(WORLD)})
    world = load_world(settings.world, settings.network)
    first, *_ = first_steps(settings, world, listeners(settings, world))
    assert first == "Point your app at localhost:1025 (SMTP; no login, no TLS), and open http://localhost:8025."


def test_addresses_that_cannot_be_used() -> None:
    with pytest.raises(
        RunError, match=r"no address 192\.0\.2\.1.*POSTROAD_NETWORK.*\n  sudo ifconfig lo0 alias 192\.0\.2\.1 up\n"
    ):
        check_addresses({"dns": ("192.0.2.1", 53), "relay": ("127.0.0.1", 1)})
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RunError, match=rf"^127\.0\.0\.1:{port} in use"):
            check_addresses({"imap": ("127.0.0.1", port)})
    check_addresses({"imap": ("127.0.0.1", port)})
    with pytest.raises(RunError, match=r"^smtp and mx would both listen on 127\.0\.0\.1:2525: "):
        check_addresses({"smtp": ("127.0.0.1", 2525), "imap": ("127.0.0.1", port), "mx": ("127.0.0.1", 2525)})


def test_a_network_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    network = free_network(1025)
    with socket.create_server((f"{network}.1", 0)) as other:
        port = other.getsockname()[1]
        first, second = (int(number) for number in network.split(".")[1:])
        numbers = iter([first - 1, second, first - 1, (second + 1) % 256])
        monkeypatch.setattr(secrets, "randbelow", lambda _bound: next(numbers))
        assert free_network(port) == f"127.{first}.{(second + 1) % 256}"
        monkeypatch.setattr(secrets, "randbelow", lambda bound: first - 1 if bound == 254 else second)
        with pytest.raises(RunError, match="no free loopback network"):
            free_network(port)


def test_a_machine_without_such_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_bind_error", lambda _host, _port: errno.EADDRNOTAVAIL)
    with pytest.raises(RunError, match="use the containers"):
        free_network(1025)


def test_the_ports_of_other_mail_catchers_are_told() -> None:
    environ = {"POSTROAD_WORLD": str(WORLD), "POSTROAD_MAILHOG_PORT": "8125", "POSTROAD_GREENMAIL": "on"}
    settings = Settings.from_environ(environ)
    world = load_world(settings.world, settings.network)
    endpoints = listeners(settings, world)
    assert endpoints["mailhog"] == ("127.0.0.1", 8125)
    assert {name: port for name, (_, port) in endpoints.items() if name.startswith("greenmail-")} == {
        "greenmail-smtp": 3025,
        "greenmail-smtps": 3465,
        "greenmail-pop3": 3110,
        "greenmail-pop3s": 3995,
        "greenmail-imap": 3143,
        "greenmail-imaps": 3993,
        "greenmail-api": 8080,
    }
    lines = "\n".join(first_steps(settings, world, endpoints))
    assert "  GreenMail   imap 127.0.0.1:3143, imaps 127.0.0.1:3993," in lines
    assert "  MailHog     http://127.0.0.1:8125" in lines
