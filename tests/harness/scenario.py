"""The runner of tests/scenarios: a folder holds a world, messages, scripts, and what happens in `scenario.toml`.

    about = "one sentence"
    settings = { POSTROAD_OUTSIDE = "bounce" }      # of the stack, none by default
    [[step]]
    do = "submit"                                   # one of the verbs below, in order
    ...

world.toml may be left out for the default world, and `world-extra` holds text that is added to it.

submit    as, to, [from], [subject | message = file], [id], [parameters], [refused = "550 5.1.1", [at = "RCPT"]]
arrives   for, subject, [count = 1], [sent = file: byte for byte after trace fields], [header = {name = "regex"}],
          [password: of an account that the world does not list]
report    for, of = subject, recipient, action, status, [diagnostic = regex]: a DSN (RFC 3464), also read with
          flufl.bounce
script    port, file or lines: C: a line, C> octets with Python's escapes, S: how a reply begins, S. the hang-up,
          TLS: STARTTLS, LOGIN: AUTH PLAIN as a user
ask       name, type, answers = [...], [rcode]: a DNS query
edit      add = text, or world = file: changes the running world; waits until every service says that it is loaded,
          or for [wait = regex] in every log
stop, start, kill    services
logged    service, line = regex
journal   service, kind, count or at-least: so many events in its journal, as soon as they are there
trace     id, lines = [regex, ...]: what `make trace` prints holds these, in this order
"""

from __future__ import annotations

import ast
import re
import time
import tomllib
from typing import TYPE_CHECKING, Any

import dns.message
import dns.query
import dns.rcode
from flufl.bounce import all_failures

from tests.harness.mailboxes import arrived, parse
from tests.harness.smtp import SMTP, Refused, Reply, client_context, submission
from tests.harness.stack import DEFAULT_WORLD, STORE_NAME, WAIT, Port, Service, Stack, User
from tests.mail.corpus import crlf, simple

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from pathlib import Path


class Scenario:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = tomllib.loads((folder / "scenario.toml").read_text())
        self.about: str = script.pop("about")
        self.settings: dict[str, str] = script.pop("settings", {})
        self._steps: list[dict[str, Any]] = script.pop("step")
        own = folder / "world.toml"
        self.world = own.read_text() if own.exists() else DEFAULT_WORLD + script.pop("world-extra", "")
        assert not script, f"{folder.name} has keys that mean nothing: {', '.join(script)}"
        self._verbs: dict[str, Callable[..., None]] = {
            "submit": self._submit,
            "arrives": self._arrives,
            "report": self._report,
            "script": self._script,
            "ask": self._ask,
            "edit": self._edit,
            "stop": lambda stack, services: stack.stop(*map(Service, services)),
            "start": lambda stack, services: stack.start(*map(Service, services)),
            "kill": lambda stack, services: stack.kill(*map(Service, services)),
            "logged": self._logged,
            "journal": self._journal,
            "trace": self._trace,
        }

    def run(self, stack: Stack) -> None:
        """Run the steps one after another; a failure names its step."""
        for number, step in enumerate(self._steps, 1):
            verb, arguments = (
                step["do"],
                {name.replace("-", "_"): value for name, value in step.items() if name != "do"},
            )
            for reserved in ("as", "for", "from"):
                if reserved in arguments:
                    arguments[f"{reserved}_"] = arguments.pop(reserved)
            try:
                self._verbs[verb](stack, **arguments)
            except Exception as error:  # a note alone, the error goes on
                error.add_note(f"in step {number} of {self.folder.name}: {step}")
                raise

    def user(self, address: str) -> User:
        """Return an account of the world by its address."""
        local, _, domain = address.rpartition("@")
        return User(address, tomllib.loads(self.world)["domains"][domain]["accounts"][local])

    def _file(self, name: str) -> bytes:
        return crlf((self.folder / name).read_bytes())

    def _submit(
        self,
        stack: Stack,
        *,
        as_: str,
        to: list[str],
        from_: str | None = None,
        subject: str = "",
        message: str = "",
        id: str | None = None,  # noqa: A002 - the word of the scenario
        parameters: str = "",
        refused: str = "",
        at: str = "",
    ) -> None:
        content = self._file(message) if message else simple(subject, message_id=id)
        sender = as_ if from_ is None else from_
        command, answer = "", ""
        with submission(stack, self.user(as_)) as session:
            try:
                session.mail(sender, to, content, f" {parameters}" if parameters else "")
            except Refused as refusal:
                command, answer = refusal.command, f"{refusal.reply.code} {refusal.reply.text}"
        assert bool(answer) == bool(refused), f"{command}: {answer}"
        assert answer.startswith(refused), f"{command}: {answer}"
        assert command.startswith(at), f"{command}: {answer}"

    def _arrives(
        self,
        stack: Stack,
        *,
        for_: str,
        subject: str,
        count: int = 1,
        sent: str = "",
        header: dict[str, str] | None = None,
        password: str = "",
    ) -> None:
        def matches(content: bytes) -> bool:
            return f"\r\nSubject: {subject}\r\n".encode() in content

        user = User(for_, password) if password else self.user(for_)
        messages = arrived(stack, user, count=count, where=matches)
        assert len(messages) == count, f"{len(messages)} came instead of {count}"
        for content in messages:
            if sent:
                assert content.endswith(self._file(sent))
            for name, pattern in (header or {}).items():
                values = parse(content).get_all(name, [])
                assert any(re.search(pattern, str(value)) for value in values), f"{name}: {values}"

    def _report(
        self, stack: Stack, *, for_: str, of: str, recipient: str, action: str, status: str, diagnostic: str = ""
    ) -> None:
        def matches(content: bytes) -> bool:
            message = parse(content)
            return message.get_content_type() == "multipart/report" and f"\r\nSubject: {of}\r\n".encode() in content

        (content,) = arrived(stack, self.user(for_), where=matches)
        message = parse(content)
        assert message.get_param("report-type") == "delivery-status"
        # RFC 3464 §2: human-readable, machine-readable, and the message or its header section.
        words, status_part, returned = message.iter_parts()
        assert words.get_content_maintype() == "text"
        assert status_part.get_content_type() == "message/delivery-status"
        assert returned.get_content_type() in {"message/rfc822", "text/rfc822-headers", "message/global"}
        # RFC 5321 §4.5.5: a notification has the null reverse-path, so that it never causes another.
        assert message["Return-Path"] == "<>"
        groups: list[EmailMessage] = status_part.get_payload()  # type: ignore[assignment]
        per_message, *per_recipient = groups
        assert per_message["Reporting-MTA"].startswith("dns;")
        group = next(fields for fields in per_recipient if recipient in str(fields["Final-Recipient"]))
        assert str(group["Action"]) == action
        assert str(group["Status"]).startswith(status), group["Status"]
        assert re.search(diagnostic, str(group["Diagnostic-Code"])), group["Diagnostic-Code"]
        if action == "failed":
            assert recipient.encode() in all_failures(message)[1]

    def _script(self, stack: Stack, *, port: str, file: str = "", lines: str = "") -> None:
        chosen = Port(port)
        context = client_context(stack) if chosen is Port.SUBMISSIONS else None
        text = (self.folder / file).read_text() if file else lines
        with SMTP(
            stack.endpoint(chosen), tls=context, **({"name": STORE_NAME} if chosen is Port.MX else {})
        ) as session:
            greeting: Reply | None = session.greeting
            for line in text.splitlines():
                if not line or line.startswith("#"):
                    continue
                verb, argument = line[:2], line[2:].strip()
                if verb == "C:":
                    session.send(argument.encode() + b"\r\n")
                elif verb == "C>":
                    session.send(ast.literal_eval(f"b'{argument}'"))
                elif verb == "S:":
                    reply, greeting = greeting or session.read(), None
                    answer = f"{reply.code} {reply.text}"
                    assert answer.startswith(argument), f"{line!r} but the server said {answer!r}"
                elif verb == "S.":
                    assert session.at_end(), f"{line!r} but the server said more"
                elif line == "TLS":
                    session.starttls(client_context(stack))
                elif line.startswith("LOGIN "):
                    session.login(self.user(line.removeprefix("LOGIN ")))
                else:
                    raise AssertionError(f"{line!r} is no line of a script")

    def _ask(self, stack: Stack, *, name: str, type: str, answers: list[str], rcode: str = "NOERROR") -> None:  # noqa: A002
        endpoint = stack.endpoint(Port.DNS)
        response = dns.query.udp(dns.message.make_query(name, type), endpoint.host, WAIT, endpoint.port)
        records = sorted(record.to_text() for rrset in response.answer for record in rrset)
        assert (dns.rcode.to_text(response.rcode()), records) == (rcode, sorted(answers))

    def _edit(self, stack: Stack, *, add: str = "", world: str = "", wait: str = "") -> None:
        marks = {service: log.position for service, log in stack.logs.items()}
        self.world = (self.folder / world).read_text() if world else self.world + add
        stack.edit_world(self.world)
        for service, mark in marks.items():
            loaded = "zones loaded" if service is Service.DNS else "world loaded"
            # "Within a second" is the promise; the rest of the bound is for a busy machine.
            stack.logs[service].wait(wait or loaded, after=mark, timeout=5)

    def _logged(self, stack: Stack, *, service: str, line: str) -> None:
        stack.logs[Service(service)].wait(line)

    def _journal(self, stack: Stack, *, service: str, kind: str, count: int = 0, at_least: int = 0) -> None:
        events = stack.wait_journal(Service(service), kind, count=count or at_least)
        assert at_least or len(events) == count, events

    def _trace(self, stack: Stack, *, id: str, lines: list[str]) -> None:  # noqa: A002
        deadline = time.monotonic() + WAIT
        while (missing := first_missing(text := stack.trace(id), lines)) is not None:
            # The journal is written a moment after what it tells of.
            assert time.monotonic() < deadline, f"no line like {missing!r} there or after it in\n{text}"


def first_missing(text: str, patterns: list[str]) -> str | None:
    """Return the first pattern that is not in the text after those before it, or None."""
    position = 0
    for pattern in patterns:
        match = re.compile(pattern, re.MULTILINE).search(text, position)
        if match is None:
            return pattern
        position = match.end()
    return None
