"""README.md's commands do what it says: each is run as it is written, except for where the stack under test listens."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.needs import require_program
from tests.harness.processes import ProcessStack, output_of
from tests.harness.stack import ROOT, WAIT, Port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.slow]

# What a block's output has to show, by a piece of the block. Blocks are run in their order.
SHOWS = {
    "swaks --server localhost:1025": "250 2.0.0 OK: queued as",
    "postroad sendmail -t": "",
    "curl --fail --json": '"subject":"Your order"',
    "postroad wait --recipient": "Your order",
    "--insecure 'imaps://localhost:1993": "Subject: ",
    "swaks --server localhost:1587": "250 2.0.0 OK: queued as",
    "--upload-file - smtp://localhost:1587": "",
    "'imaps://localhost:1993/INBOX;MAILINDEX=1'\n    curl": "Hello, Bob!",
    "dig -p 1053": "mx.postroad.test.",
}
# What is tested elsewhere: in tests/compose, tests/scenarios (make run), test_readers.py
# (neomutt), tests/web/test_moved.py and tests/store/keeping (import, fsck, backup).
ELSEWHERE = ("docker compose up", "make run", "make trace", "neomutt ", "postroad import")
PORTS = [port for port in Port if port is not Port.MX]


def blocks() -> list[str]:
    """Return the indented blocks."""
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return [block.rstrip() for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.MULTILINE)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessStack]:
    with ProcessStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack
        stack.check_logs()


def here(stack: ProcessStack, block: str) -> str:
    """Return the block with the addresses of the stack under test."""
    for port in PORTS:
        endpoint = stack.endpoint(port)
        block = block.replace(f"localhost:{endpoint.port}", f"{endpoint.host}:{endpoint.port}")
    dns = stack.endpoint(Port.DNS)
    return block.replace("@127.0.0.1", f"@{dns.host}").replace("make ca\n", ":\n")


def test_every_command(stack: ProcessStack, tmp_path: Path) -> None:
    for program in ("swaks", "curl", "dig"):
        require_program(program)
    shutil.copy(stack.ca_file, tmp_path / "postroad-ca.pem")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = set()
    for block in blocks():
        if block.strip().startswith(ELSEWHERE) or "grep -v" in block:
            continue
        (piece,) = [piece for piece in SHOWS if piece in block]
        command = ["bash", "-euo", "pipefail", "-c", here(stack, block)]
        environment = stack.environment() | {"PATH": path}
        shows = output_of(command, folder=tmp_path, environment=environment, limit=2 * WAIT)
        assert SHOWS[piece] in shows, f"{block}\n{shows}"
        shown.add(piece)
    assert shown == SHOWS.keys()


def test_every_file_and_setting_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for setting in set(re.findall(r"POSTROAD_\w+", text)):
        assert f"#{setting}=" in example, setting
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
