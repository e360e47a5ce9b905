"""Processes that start, live and end together. The processes here are small scripts that behave as told."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from postroad_stack.run import supervisor as module
from postroad_stack.run.errors import RunError
from postroad_stack.run.supervisor import Supervisor
from tests.stack.run.scripts import GOOD, READY, STUBBORN, WAIT, Output, gone, interrupt


def supervise(output: Output, **scripts: str) -> Supervisor:
    commands = {name: [sys.executable, "-c", script] for name, script in scripts.items()}
    return Supervisor(commands, os.environ, output)


async def test_all_start_and_a_signal_ends_them() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # an earlier test's loop may have left its own
    output = Output({"now": lambda: signal.raise_signal(signal.SIGTERM)})
    talk = f"{READY}; print('now\\nno line end', end='', flush=True); {WAIT}"
    supervisor = supervise(output, dns=GOOD, relay=talk)
    assert await supervisor.start() in {True, False}  # the signal may come before dns is ready
    await supervisor.run()
    pids = supervisor.pids
    await supervisor.stop()
    assert gone(pids)
    assert "relay | service=x msg=ready\n" in output.getvalue()
    assert "relay | no line end\n" in output.getvalue()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_signal_before_they_are_ready() -> None:
    supervisor = supervise(Output({"hello": interrupt}), slow=f"print('hello', flush=True); {WAIT}")
    assert not await supervisor.start()
    await supervisor.stop()
    assert gone(supervisor.pids)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "store ended with 3 before it was ready"),
        (f"{READY}; raise SystemExit(4)", "store ended with 4: see"),
        ("import os; os.kill(os.getpid(), 9)", "store was killed by SIGKILL before it was ready"),
    ],
)
async def test_one_that_ends_ends_all(script: str, said: str) -> None:
    supervisor = supervise(Output(), dns=GOOD, store=script)

    async def live() -> None:
        await supervisor.start()
        await supervisor.run()

    with pytest.raises(RunError, match=said):
        await live()
    await supervisor.stop()
    assert gone(supervisor.pids)


async def test_what_they_print_is_harmless() -> None:
    output = Output({"msg=ready": interrupt})
    supervisor = supervise(output, dns=f"print('\\x1b[2J\\u202e'); {READY}; {WAIT}")
    await supervisor.start()
    await supervisor.stop()
    assert output.getvalue().startswith("dns | \\x1b[2J\\u202e\n")


async def test_one_gives_way_to_the_others() -> None:
    supervisor = Supervisor(
        {name: [sys.executable, "-c", GOOD] for name in ("relay", "web")}, os.environ, Output(), nice={"web": 3}
    )
    try:
        assert await supervisor.start()
        own = os.nice(0)
        niceness = {name: os.getpriority(os.PRIO_PROCESS, process) for name, process in supervisor.pids.items()}
        assert niceness == {"relay": own, "web": min(own + 3, 19)}
    finally:
        await supervisor.stop()


async def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_TIMEOUT", 0.2)
    supervisor = supervise(Output({"msg=ready": interrupt}), store=STUBBORN)
    await supervisor.start()
    await supervisor.stop()
    assert gone(supervisor.pids)
