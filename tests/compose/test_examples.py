"""The example of a CI job: its steps are run as they are written, against containers that are up."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import output_of
from tests.harness.stack import ROOT, WAIT, Port

if TYPE_CHECKING:
    from tests.harness.containers import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]


def steps() -> dict[str, str]:
    """Return the steps that have a script, by their names."""
    text = (ROOT / "examples" / "github-actions" / "mail.yml").read_text(encoding="utf-8")
    scripts = re.findall(r"- name: (.*)\n(?:        (?!run).*\n)*        run: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", text)
    return {name: textwrap.dedent(block) or line for name, block, line in scripts}


def test_github_actions(composed: ComposeStack) -> None:
    scripts = steps()
    assert scripts["Start Postroad"] == "make up"  # test_up.py has it
    app = composed.endpoint(Port.APP)
    for name in ("Send", "Wait for the mail", "What happened"):
        script = scripts[name].replace("localhost:1025", f"{app.host}:{app.port}")
        command = ["bash", "-e", "-o", "pipefail", "-c", script]
        output_of(command, folder=ROOT, environment=composed.compose_environment(), limit=2 * WAIT)
