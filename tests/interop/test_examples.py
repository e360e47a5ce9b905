"""The examples do what they say, against a running stack. Only where it listens is told to them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.needs import require, require_program
from tests.harness.processes import plain_environment
from tests.harness.stack import ROOT, WAIT, Port, Stack

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.interop

EXAMPLES = ROOT / "examples"
NODE = Path("/usr/share/nodejs")
CLIENTS = Path(__file__).parent / "mailpit" / "node_modules"


def run(folder: Path, *command: str, environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=plain_environment() | {"PATH": os.environ["PATH"]} | dict(environ or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * WAIT,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def url(stack: Stack) -> str:
    host, port = stack.endpoint(Port.WEB)
    return f"http://{host}:{port}"


def test_django(native: Stack, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "django", tmp_path / "django")
    settings = tmp_path / "django" / "settings.py"
    host, port = native.endpoint(Port.APP)
    text = settings.read_text(encoding="utf-8")
    assert 'EMAIL_HOST = "localhost"\nEMAIL_PORT = 1025\n' in text
    text = text.replace('"localhost"\nEMAIL_PORT = 1025', f'"{host}"\nEMAIL_PORT = {port}')
    settings.write_text(text.replace("http://localhost:8025", url(native)), encoding="utf-8")
    output = run(tmp_path / "django", sys.executable, "-m", "django", "test", "--settings", "settings")
    assert "Ran 1 test" in output


def test_nodemailer(native: Stack, tmp_path: Path) -> None:
    require((NODE / "nodemailer").exists(), "node-nodemailer is not installed (tests/debian-packages.txt)")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "nodemailer").symlink_to(NODE / "nodemailer")
    shutil.copy(EXAMPLES / "nodemailer" / "signup.test.mjs", tmp_path)
    host, port = native.endpoint(Port.APP)
    environ = {"MAIL_HOST": host, "MAIL_PORT": str(port), "POSTROAD_URL": url(native)}
    assert "pass 1\n" in run(tmp_path, require_program("node"), "--test", environ=environ)


def test_laravel(native: Stack, tmp_path: Path) -> None:
    """The lines say host and port and nothing that has to be changed; senders/laravel.php sends by them."""
    require(Path("/usr/share/php/Symfony/Component/Mailer").exists(), "php-symfony-mailer is not installed")
    lines = (EXAMPLES / "laravel" / "env").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(MAIL_\w+)=(.*)$", lines, re.MULTILINE))
    endpoint = native.endpoint(Port.APP)
    assert (values["MAIL_MAILER"], values["MAIL_HOST"], values["MAIL_PORT"]) == (
        "smtp",
        "localhost",
        str(endpoint.port),
    )
    recipient = f"customer@{secrets.token_hex(8)}.example"
    sender = str(Path(__file__).parent / "senders" / "laravel.php")
    run(tmp_path, require_program("php"), sender, endpoint.host, values["MAIL_PORT"], recipient)
    run(tmp_path, sys.executable, "-m", "postroad_stack", "wait", "--url", url(native), "--recipient", recipient)


# In place of Playwright, whose browsers are not here: the page takes what it is told, and the app's part is to send.
_PLAYWRIGHT = """
import assert from "node:assert/strict";
import nodemailer from "nodemailer";
const [host, port] = process.env.APP_DOOR.split(":");
const visited = [];
const from = "noreply@shop.example";
let address;
const transport = nodemailer.createTransport({ host, port: Number(port) });
const text = "Confirm: https://shop.example/confirm?t=1\\n";
const page = {
  goto: async (where) => visited.push(where),
  getByLabel: () => ({ fill: async (value) => { address = value; } }),
  getByRole: () => ({ click: () => transport.sendMail({ from, to: address, subject: "Welcome", text }) }),
  getByText: () => "Thank you",
};
export const expect = (value) => ({
  toBe: (wanted) => assert.equal(value, wanted),
  toBeVisible: async () => assert.deepEqual(visited, ["/signup", "https://shop.example/confirm?t=1"]),
});
export const test = (name, body) => body({ page }).then(() => console.log("passed:", name));
"""


def test_playwright(native: Stack, tmp_path: Path) -> None:
    require((NODE / "nodemailer").exists(), "node-nodemailer is not installed (tests/debian-packages.txt)")
    require((CLIENTS / "mailpit-api").exists(), "no mailpit-api: npm ci --prefix tests/interop/mailpit")
    shutil.copytree(CLIENTS, tmp_path / "node_modules", symlinks=True)
    (tmp_path / "node_modules" / "nodemailer").symlink_to(NODE / "nodemailer")
    playwright = tmp_path / "node_modules" / "@playwright" / "test"
    playwright.mkdir(parents=True)
    (playwright / "package.json").write_text('{"name": "@playwright/test", "type": "module", "main": "index.js"}')
    (playwright / "index.js").write_text(_PLAYWRIGHT)
    shutil.copy(EXAMPLES / "playwright" / "signup.spec.mjs", tmp_path)
    host, port = native.endpoint(Port.APP)
    environ = {"APP_DOOR": f"{host}:{port}", "MAILPIT_URL": url(native)}
    output = run(tmp_path, require_program("node"), "signup.spec.mjs", environ=environ)
    assert output == "passed: a new customer confirms the address\n"
