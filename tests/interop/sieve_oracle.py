"""Pigeonhole's `sieve-test` as the oracle: what it makes of a script and a message, in the words of `sieve.toy`."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
mail_location = maildir:{folder}/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
ssl = no
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox Lists/sieve {{
    auto = create
  }}
}}
plugin {{
  sieve = {folder}/none.sieve
  sieve_dir = {folder}/scripts
  sieve_global_dir = {folder}/global
  sieve_extensions = +editheader +regex +vacation-seconds +special-use +duplicate +mboxmetadata
  sieve_vacation_min_period = 0
  sieve_user_email = bob@beta.test
  sieve_redirect_envelope_from = sender
}}
"""
_ACTION = re.compile(r"^ \* (.*)$")


class Pigeonhole:
    """The program, in a folder of its own."""

    def __init__(self, program: str, folder: Path, uid: int, gid: int) -> None:
        self._program = program
        self._folder = folder
        (folder / "scripts").mkdir()
        (folder / "global").mkdir()
        (folder / "dovecot.conf").write_text(CONFIGURATION.format(folder=folder, uid=uid, gid=gid))

    def decide(self, script: str, message: bytes, *, recipient: str, sender: str) -> list[str]:
        """Return the actions, ["error"] for a script that is refused, or that fails as it runs."""
        done = self.run(script, message, recipient=recipient, sender=sender)
        return ["error"] if done.returncode else actions(done.stdout)

    def run(
        self, script: str, message: bytes, *, recipient: str, sender: str, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a script for a message; with `-e` among the options its actions are carried out, not shown."""
        folder = self._folder
        (folder / "x.sieve").write_text(script)
        (folder / "x.eml").write_bytes(message)
        command = [self._program, *options, "-c", str(folder / "dovecot.conf"), "-C", "-a", recipient, "-r", recipient]
        command += ["-f", sender, str(folder / "x.sieve"), str(folder / "x.eml")]
        return subprocess.run(
            command, capture_output=True, timeout=30, check=False, text=True, errors="surrogateescape"
        )


def actions(printed: str) -> list[str]:
    performed: list[str] = []
    lines = printed.split("\n")
    for number, line in enumerate(lines):
        match = _ACTION.match(line)
        if match is None:
            continue
        details = []
        for detail in lines[number + 1 :]:
            if not re.match(r"\s+(\+|=>) ", detail):
                break
            details.append(detail.strip())
        performed += _action(match[1], details, "\n".join(lines[number + 1 :]))
    return performed


def _action(said: str, details: list[str], rest: str) -> list[str]:
    name, _, value = said.rstrip().removesuffix(":").partition(": ")
    flags = [flag for detail in details if "IMAP flags: " in detail for flag in detail.partition(": ")[2].split()]
    match name:
        case "store message in folder":
            words = ["keep"] if value == "INBOX" else ["fileinto", value]
            return [" ".join([*words, *sorted(flag.lower() for flag in flags)])]
        case "redirect message to":
            return [f"redirect {value.strip('<>')}"]
        case "send vacation message":
            seconds = [detail.partition(": ")[2] for detail in details if detail.startswith("=> seconds")]
            return [f"respond {''.join(seconds)}"]
        case "reject message with reason":
            return [f"reject {value}"]
        case "discard":
            return []
    return [said + rest[:0]]
