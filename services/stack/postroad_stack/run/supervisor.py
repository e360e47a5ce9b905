"""Runs processes that start and end together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, TextIO

from postroad.harmless import harmless
from postroad.log import READY
from postroad_stack.run.errors import RunError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Mapping, Sequence

STOP_TIMEOUT = 10.0  # seconds until a service that does not end is killed
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs one process per command and prints their lines to `output`, each with its process's name in front.

    `lock` is a descriptor that the processes inherit: one that outlives us still holds it. `nice` says by how much each
    gives way to the others.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environ: Mapping[str, str],
        output: TextIO,
        *,
        lock: int | None = None,
        nice: Mapping[str, int] | None = None,
    ) -> None:
        self._commands = commands
        self._environ = environ
        self._output = output
        self._lock = lock
        self._nice = nice or {}
        self._width = max(map(len, commands))
        self._processes: dict[str, Process] = {}
        self._followers: list[asyncio.Task[None]] = []
        self._unready = set(commands)
        self._ended: str | None = None  # the first process that ended
        self._signalled = False
        self._changed = asyncio.Event()  # one of the three above

    @property
    def pids(self) -> dict[str, int]:
        """The process IDs."""
        return {name: process.pid for name, process in self._processes.items()}

    async def start(self) -> bool:
        """Start all, and return True once each has said that it is ready, or False if a signal came before.

        Raises `RunError` when one of them ends.
        """
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self.end)
        for name, command in self._commands.items():
            process = await asyncio.create_subprocess_exec(
                *command,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=() if self._lock is None else (self._lock,),
                start_new_session=True,  # Ctrl-C is for this process, which then stops the others
            )
            self._processes[name] = process
            if increment := self._nice.get(name):
                with contextlib.suppress(ProcessLookupError):  # it has ended; its follower will find out
                    os.setpriority(os.PRIO_PROCESS, process.pid, os.nice(0) + increment)
            self._followers.append(loop.create_task(self._follow(name, process)))
        if self._lock is not None:  # the next stack on this data folder reads the IDs of processes to stop there
            os.pwrite(self._lock, " ".join(map(str, self.pids.values())).encode(), 0)
        await self._until(lambda: not self._unready)
        return not self._unready

    async def run(self) -> None:
        """Print the processes' output until a signal comes; raises `RunError` when one of them ends."""
        await self._until(lambda: False)

    def end(self) -> None:
        """Let `start` or `run` return, as a signal does; `stop` then stops the processes."""
        self._signalled = True
        self._changed.set()

    async def stop(self) -> None:
        """Stop all, by SIGTERM and in the end by SIGKILL, and print their last output."""
        self._send(signal.SIGTERM)
        if self._followers:
            _, late = await asyncio.wait(self._followers, timeout=STOP_TIMEOUT)
            if late:
                self._send(signal.SIGKILL)
            await asyncio.gather(*self._followers)
        for number in _STOP_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _send(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached() and not self._signalled:
            await self._changed.wait()
            self._changed.clear()
            if self._ended is not None and not self._signalled:
                when = " before it was ready" if self._ended in self._unready else ""
                status = self._processes[self._ended].returncode or 0
                how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"
                raise RunError(f"{self._ended} {how}{when}: see its log above")

    async def _follow(self, name: str, process: Process) -> None:
        """Print the lines of a process until it ends."""
        rest = b""  # the beginning of a line that has not ended yet
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        while octets := await process.stdout.read(1 << 16):
            *lines, rest = (rest + octets).split(b"\n")
            self._print(name, lines)
        self._print(name, [rest] if rest else [])
        await process.wait()
        self._ended = self._ended or name
        self._changed.set()

    def _print(self, name: str, lines: Sequence[bytes]) -> None:
        for line in lines:
            text = line.decode("utf-8", "backslashreplace")
            self._output.write(f"{name:{self._width}} | {harmless(text)}\n")
            if f" msg={READY}" in text:
                self._unready.discard(name)
                self._changed.set()
        self._output.flush()
