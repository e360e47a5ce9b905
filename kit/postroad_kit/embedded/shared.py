"""One stack for all test processes that share a folder: the first one in starts it, the last one out stops it.

In the folder:
    door      locked by whoever is just coming in or going out
    users     locked (shared) by every test process; the stack ends when it gets the lock, as soon as nobody else has it
    members   locked by the same: whoever goes out sees whether there are others
    facts     what the stack said when it was ready
    log       what it logs
    keep      is there if the data are to stay
    data/     its data, or a link to them; data/lock is locked for as long as a process of the stack lives
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from postroad_kit.embedded import memory
from postroad_kit.embedded.locks import alone, is_locked, opened
from postroad_kit.errors import CannotStart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    Starter = Callable[[Path], tuple[Sequence[str], Mapping[str, str]]]

TAIL = 2000  # characters of the log that a failure shows


class Shared:
    """What one process has of the stack of a folder, from `join` to `leave`."""

    def __init__(self, folder: Path, starter: Starter, *, passing: bool = False) -> None:
        self._folder = folder
        self._starter = starter
        self._passing = passing  # whether the folder goes with the last process
        self._locks: list[int] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._pid = os.getpid()

    @property
    def data(self) -> Path:
        """The stack's data."""
        return self._folder / "data"

    @property
    def log(self) -> Path:
        """The stack's log."""
        return self._folder / "log"

    def join(self) -> Mapping[str, Any]:
        """Start the stack if nobody has, and return what it said when it was ready; raises `CannotStart`."""
        with self._door():
            for name in ("members", "users"):  # a stack that has lost its last user has the latter until it is gone
                self._locks.append(opened(self._folder / name))
                fcntl.flock(self._locks[-1], fcntl.LOCK_SH)
            facts = self._facts() if is_locked(self.data / "lock") else None
            if facts is None:
                try:
                    facts = self._start()
                except BaseException:
                    self._release()
                    raise
            return facts

    def leave(self, *, keep: bool = False) -> None:
        """Use it no more; whoever is the last stops it, waits until it is gone, and removes its data.

        The data stay if anybody wants to keep them.
        """
        if not self._locks or self._pid != os.getpid():  # a fork shares its parent's lock
            return
        with self._door():
            if keep:
                (self._folder / "keep").touch()
            os.close(self._locks.pop(0))
            if not is_locked(self._folder / "members"):
                self._stop()
            elif self._child is not None:
                self._child.returncode = 0  # it lives on for the others, and Popen shall not warn
            self._release()

    def _stop(self) -> None:
        """Stop it, wait until it is gone, and tidy up."""
        facts = self._facts()
        if facts is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(facts["pid"], signal.SIGTERM)
            if self._child is not None:
                self._child.wait()
            (memory.keep if (self._folder / "keep").exists() else memory.remove)(self.data)
            (self._folder / "facts").unlink(missing_ok=True)
        if self._passing:
            shutil.rmtree(self._folder, ignore_errors=True)

    def again(self) -> str | None:
        """Return how to look at it when the tests are over, or None for one that is of containers."""
        if self._passing:
            return "it ends with the run; `postroad run` starts one that stays, and POSTROAD_URL names it to the tests"
        facts = self._facts()
        if facts is None or "network" not in facts:
            return None
        folder = shlex.quote(str(self._folder))
        return f"after the run: cd {folder} && POSTROAD_DATA=data POSTROAD_NETWORK={facts['network']} postroad run"

    def ended(self) -> str | None:
        """Return the end of its log if it has ended though it is in use, else None."""
        if not self._locks or is_locked(self.data / "lock"):
            return None
        return self._tail()

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-TAIL:].strip()

    @contextlib.contextmanager
    def _door(self) -> Iterator[None]:
        """Be the only one who comes in or goes out; the folder is there."""
        with contextlib.ExitStack() as stack:
            entered = False
            while not entered:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):  # the last one has just removed the folder
                    stack.enter_context(alone(self._folder / "door"))
                    entered = True
            yield

    def _release(self) -> None:
        while self._locks:
            os.close(self._locks.pop())

    def _facts(self) -> Mapping[str, Any] | None:
        try:
            facts: Mapping[str, Any] = json.loads((self._folder / "facts").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts

    def _start(self) -> Mapping[str, Any]:
        command, environ = self._starter(self._folder)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=self._folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, whose end stops it
            )
        self._child = child
        assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
        with child.stdout:
            line = child.stdout.readline()  # or nothing, when it has ended
        try:
            said = json.loads(line)
        except ValueError:
            child.wait()
            raise CannotStart(f"Postroad could not be started (status {child.returncode}):\n{self._tail()}") from None
        facts = {**said, "pid": child.pid}
        (self._folder / "facts").write_text(json.dumps(facts), encoding="utf-8")
        return facts
