"""The stack as processes of this virtual environment: `postroad run` on a free loopback network."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from postroad_kit.embedded.memory import place_for
from postroad_kit.errors import CannotStart
from postroad_kit.postroad import URL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Apps under test and their mail clients need no certificate; a test that is about TLS has the CA from the endpoints.
# Ports of worlds cost nothing on a network of its own, and each test may want one.
SETTINGS = {"POSTROAD_PLAINTEXT_AUTH": "on", "POSTROAD_WORLD_PORTS": "20000-20999"}
MODULES = ("postroad_stack", "postroad_dns", "postroad_relay", "postroad_store", "postroad_web")


def processes(folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the command that runs the stack in a folder, and its environment; raises `CannotStart`.

    Settings of Postroad in the environment (POSTROAD_RETRY and the like) hold for it.
    """
    missing = [module for module in MODULES if importlib.util.find_spec(module) is None]
    if missing:
        raise CannotStart(
            f"no Postroad is installed here ({', '.join(missing)} missing). Install it next to the tests "
            "(pip install 'pytest-postroad[stack]'), or name a running one: --postroad-url or POSTROAD_URL"
        )
    environ = {**SETTINGS, **{name: value for name, value in os.environ.items() if name != URL}}
    environ["POSTROAD_DATA"] = str(place_for(folder))
    # Images of CI jobs often set it. Services that are installed for editing would then be compiled at each start,
    # which takes a third of its time.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "postroad_stack", "run", "--json"]
    command += ["--while-locked", str(folder / "users"), "--scratch"]
    if "POSTROAD_NETWORK" not in environ:
        command.append("--anywhere")
    return command, environ


def url_of(facts: Mapping[str, object]) -> str:
    """Return the URL of a stack by what it said when it was ready."""
    endpoints = facts["endpoints"]
    assert isinstance(endpoints, dict)  # noqa: S101 - postroad run's own words
    host, port = endpoints["web"]
    return f"http://{host}:{port}"
