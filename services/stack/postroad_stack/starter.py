"""The world to start from: the one in the checkout, or the file that the first start writes.

Users who install Postroad with pip and call `postroad run` in an empty folder get a `world.toml` there, to edit. It is
a copy of `services/world.toml`, which the wheel includes.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "POSTROAD_WORLD"
IN_CHECKOUT = Path("services/world.toml")  # the setting's default
HERE = Path("world.toml")


def with_world(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the name of a world file; if there is no such file, write one into this folder."""
    if NAME in environ or IN_CHECKOUT.exists():
        return dict(environ)
    if not HERE.exists():
        text = resources.files("postroad_stack").joinpath("world.toml").read_text(encoding="utf-8")
        with HERE.open("x", encoding="utf-8") as file:
            file.write(text)
        sys.stderr.write(f"Wrote {HERE}: domains, hosts and accounts to start from. Edit it while the stack runs.\n")
    return {**environ, NAME: str(HERE)}
