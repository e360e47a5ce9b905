"""Another Compose project joins the network, as README.md says: it finds the hosts by name and trusts the CA."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.harness.mailboxes import arrived, parse
from tests.harness.processes import output_of, plain_environment
from tests.harness.stack import DNS_NAME, RELAY_NAME, ROOT, STORE_NAME, WEB_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.containers import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]

# Its own networks come after `postroad` by name, and could lose their way out to it.
PROJECT = "shop-postroad-test"

APP = """
import json, os, smtplib, socket, ssl, sys, urllib.request
login, password, address, *names = sys.argv[1:]
routes = [line.split() for line in open("/proc/net/route")][1:]
gateways = [socket.inet_ntoa(bytes.fromhex(route[2])[::-1]) for route in routes if route[1] == "00000000"]
letter = f"From: noreply@shop.example\\r\\nTo: {address}\\r\\nSubject: %s\\r\\n\\r\\n"
with smtplib.SMTP("relay", 1025) as client:
    client.sendmail("noreply@shop.example", [address], letter % "By the app door")
context = ssl.create_default_context(cafile="/postroad/ca.pem")
for host in ("relay", "relay.postroad.test"):
    with smtplib.SMTP(host, 587) as client:
        client.starttls(context=context)
        client.login(login, password)
        client.sendmail(login, [address], letter.replace("noreply@shop.example", login) % f"By {host}")
waited = {}
for host in ("web", "web.postroad.test"):
    asked = json.dumps({"recipient": address, "subject": "By the app door", "timeout": 30}).encode()
    with urllib.request.urlopen(f"http://{host}:8025/v1/wait", asked) as answer:
        waited[host] = [message["subject"] for message in json.load(answer)["messages"]]
try:
    outside = socket.gethostbyname("www.elsewhere.example")
except OSError:
    outside = None
print(json.dumps({
    "user": os.getuid(),
    "files": os.listdir("/postroad"),
    "names": {name: socket.gethostbyname(name) for name in names},
    "gateways": gateways,
    "outside": outside,
    "waited": waited,
}))
"""


def test_an_app_of_another_project(composed: ComposeStack, tmp_path: Path) -> None:
    user = composed.fresh_user()
    names = {DNS_NAME: 53, RELAY_NAME: 25, STORE_NAME: 143, WEB_NAME: 80, "relay": 25, "store": 143, "web": 80}
    command = ["python", "-c", APP, user.address, user.password, user.address, *names]
    project = {"services": {"app": {"image": "python:3.13-slim", "user": "12345:12345", "command": command}}}
    (tmp_path / "project.yml").write_text(json.dumps(project).replace("$", "$$"))  # JSON is YAML
    (tmp_path / "joined.yml").write_text(_joined())
    compose = ("docker", "compose", "--project-name", PROJECT, "--file", "project.yml", "--file", "joined.yml")

    def run(*arguments: str) -> str:
        environment = {**plain_environment(), "COMPOSE_ENV_FILES": os.devnull}
        return output_of([*compose, *arguments], folder=tmp_path, environment=environment, limit=120)

    try:
        seen = json.loads(run("run", "--rm", "app").splitlines()[-1])
    finally:
        run("down", "--volumes", "--remove-orphans")
    assert seen["user"] == 12345
    assert seen["files"] == ["ca.pem"]
    assert seen["names"] == {name: f"{composed.network}.{number}" for name, number in names.items()}
    assert len(seen["gateways"]) == 1
    assert not seen["gateways"][0].startswith(composed.network)  # its way out is its own
    assert seen["outside"] != f"{composed.network}.143"
    assert seen["waited"] == {name: ["By the app door"] for name in ("web", WEB_NAME)}
    subjects = {str(parse(content)["Subject"]) for content in arrived(composed, user, count=3)}
    assert subjects == {"By the app door", "By relay", "By relay.postroad.test"}


def _joined() -> str:
    """Return the lines that README.md gives, with the names of the stack under test."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block: str
    (block,) = re.findall(r"^```yaml\n(services:.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block.replace("zz-postroad", "zz-postroad-test").replace("postroad_trust", "postroad-test_trust")
