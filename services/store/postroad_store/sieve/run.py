"""Runs a program for one message: the state of the run, and what a script may ask of the world around it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from postroad_store.sieve import limits
from postroad_store.sieve.actions import Action, File, Outcome, Redirect, Reject, Remember, Respond
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.program import Reference, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from postroad_store.sieve.message import Message
    from postroad_store.sieve.program import Program, Step, Text


class Surroundings(Protocol):
    """What a script may ask for besides the message."""

    @property
    def now(self) -> datetime:
        """The time of the delivery, with the server's zone."""
        ...

    @property
    def sender(self) -> tuple[str, str] | None:
        """Local-part and domain of the reverse-path; None for the null one."""
        ...

    @property
    def recipients(self) -> Sequence[tuple[str, str]]:
        """Local-part and domain of each forward-path that led to this account."""
        ...

    @property
    def owner(self) -> str:
        """The account's own address."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The items of RFC 5183 §4.1, by name."""
        ...

    def has_mailbox(self, name: str) -> bool:
        """Whether there is a mailbox of this name into which messages can be put (RFC 5490 §3.1)."""
        ...

    def has_special_use(self, use: str, mailbox: str | None) -> bool:
        r"""Whether the mailbox has a special use such as `\\Sent`, or any has it (RFC 8579 §3)."""
        ...

    def annotation(self, mailbox: str | None, entry: str) -> str | None:
        """Return the value of an annotation of a mailbox, or of the server (None), as the user sees it (RFC 5490 §3.3).

        None if there is none.
        """
        ...

    def is_remembered(self, key: str) -> bool:
        """Whether `duplicate` has remembered this ID, and its time is not over (RFC 7352 §3)."""
        ...

    def script(self, name: str, *, everybody: bool) -> Program | None:
        """Return another script of the account, or a global one, compiled (RFC 6609 §3.2); None if there is none.

        Raises `RunError` if it is not valid.
        """
        ...


class Stop(Exception):  # noqa: N818 - what a script says
    """`stop`: end all processing (RFC 5228 §3.3)."""


class Return(Exception):  # noqa: N818 - what a script says
    """`return`: end this script, and go on behind its `include` (RFC 6609 §3.3)."""


@dataclass(slots=True)
class Scope:
    """What each included script has for itself (RFC 6609 §3.4.1)."""

    variables: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)  # names that `global` has declared
    matched: tuple[str, ...] = ()  # the match variables (RFC 5229 §3.2)


class Run:
    """One run of a script."""

    def __init__(self, message: Message, around: Surroundings) -> None:
        self.message = message
        self.around = around
        self.actions: list[Action] = []
        self.notes: list[str] = []
        self.implicit_keep = True  # RFC 5228 §2.10.2
        self.flags: tuple[str, ...] = ()  # the internal variable of RFC 5232 §2
        self.scope = Scope()
        self.shared: dict[str, str] = {}  # global variables (RFC 6609 §3.4)
        self.nested: list[tuple[str, bool]] = []  # the scripts that are being run: name, whether global
        self.included: set[tuple[str, bool]] = set()  # all that were run so far
        self.edited = 0  # octets of added fields
        self._responded = False  # whether `vacation` was used
        self._work = limits.WORK

    def charge(self, steps: int) -> None:
        """Count work; raises `RunError` if the script has done too much."""
        self._work -= steps
        if self._work < 0:
            raise RunError("the script takes too long")

    # Strings

    def text(self, text: Text) -> str:
        """Return a string with the values of its variables, as they are now (RFC 5229 §3)."""
        if not isinstance(text, Template):
            return text
        pieces: list[str] = []
        length = 0
        for part in text.parts:
            piece = part if isinstance(part, str) else self._value(part)
            pieces.append(piece[: limits.TEXT - length])
            length += len(pieces[-1])
        self.charge(200 * len(pieces) + length)
        return "".join(pieces)

    def texts(self, texts: Iterable[Text]) -> list[str]:
        """Return a list of strings, with the values of their variables."""
        return [self.text(text) for text in texts]

    def _value(self, reference: Reference) -> str:
        name = reference.name
        if isinstance(name, int):
            matched = self.scope.matched
            return matched[name] if name < len(matched) else ""
        if reference.read is not None:
            return reference.read(self, name)
        return self.variable(name)

    def variable(self, name: str) -> str:
        """Return the value of a variable, empty if it has none; the name is in lower case."""
        return (self.shared if name in self.scope.shared else self.scope.variables).get(name, "")

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of this script; a long value is cut (RFC 5229 §6)."""
        if name in self.scope.shared:
            self.set_shared(name, value)
        else:
            _set(self.scope.variables, name, value)

    def set_shared(self, name: str, value: str) -> None:
        """Set a global variable (RFC 6609 §3.4)."""
        _set(self.shared, name, value)

    # Actions

    def take(self, action: Action) -> None:
        """Add an action; raises `RunError` where it does not go with the others, or there are too many."""
        if not isinstance(action, Remember):
            self._check_company(action)
        if len(self.actions) >= limits.ACTIONS:
            raise RunError(f"a script takes at most {limits.ACTIONS} actions")
        for at, old in enumerate(self.actions):
            if isinstance(action, File) and isinstance(old, File) and action.place == old.place:
                # RFC 5228 §2.10.3: once into each mailbox. RFC 5232 §3: "the last flag list value MUST win".
                self.actions[at] = replace(old, flags=action.flags, create=old.create or action.create)
                return
        if action not in self.actions:
            self.actions.append(action)

    def _check_company(self, action: Action) -> None:
        kinds = {type(other) for other in self.actions} - {Remember}
        # RFC 5429 §2.4: at most one reject, and neither vacation nor a delivery beside it
        if isinstance(action, Reject) and (kinds or self._responded):
            raise RunError("reject goes with no other action, and only once")
        if Reject in kinds:
            raise RunError("nothing goes with reject")
        if (
            isinstance(action, Redirect)
            and sum(isinstance(other, Redirect) for other in self.actions) >= limits.REDIRECTS
        ):
            raise RunError(f"a script redirects a message at most {limits.REDIRECTS} times")

    def respond(self, action: Respond, unfit: str | None) -> None:
        """Take a vacation response, unless the message is `unfit` for one for that reason."""
        # RFC 5230 §4.7: "Vacation can only be executed once per script."
        if self._responded:
            raise RunError("vacation can be used once")
        self._check_company(action)
        self._responded = True
        if unfit is None:
            self.take(action)
        else:
            self.notes.append(f"vacation: no response, because {unfit}")

    @property
    def header(self) -> bytes | None:
        """The edited header section, for an action; None if nothing was edited."""
        return self.message.header if self.message.edited else None

    # Steps

    def steps(self, steps: Iterable[Step]) -> None:
        """Run commands one after the other."""
        for step in steps:
            self.charge(300)
            run = step.word.run
            assert run is not None  # noqa: S101 - the compiler takes commands alone here
            try:
                run(self, step)
            except RunError as error:
                error.line = error.line or step.line
                raise

    def holds(self, step: Step) -> bool:
        """Return the value of a test."""
        self.charge(300)
        test = step.word.test
        assert test is not None  # noqa: S101 - the compiler takes tests alone here
        return test(self, step)


def _set(variables: dict[str, str], name: str, value: str) -> None:
    if name not in variables and len(variables) >= limits.VARIABLES:
        raise RunError(f"a script has at most {limits.VARIABLES} variables")
    variables[name] = value[: limits.VALUE]


def run(program: Program, message: Message, around: Surroundings, *, name: str = "") -> Outcome:
    """Run a script for a message, and return what it has decided; never fails.

    `name` is the one by which scripts of the account may include it, and so itself (RFC 6609 §3.2).
    """
    state = Run(message, around)
    state.nested.append((name, False))
    state.included.add((name, False))
    try:
        with suppress(Stop, Return):
            state.steps(program.steps)
        # RFC 5228 §2.10.2: the implicit keep; with flags and edits as they are at the end (RFC 5232 §2)
        if state.implicit_keep:
            state.take(File(flags=state.flags, header=state.header))
    except RunError as error:
        # RFC 5228 §2.10.6: an error means the implicit keep of the message as it came.
        return Outcome((File(),), str(error), tuple(state.notes))
    return Outcome(tuple(state.actions), None, tuple(state.notes))
