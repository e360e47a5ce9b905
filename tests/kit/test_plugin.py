"""The pytest plugin, run by pytest: whose stack it uses, that workers share it, and what is left of it."""

from __future__ import annotations

import contextlib
import multiprocessing
import tempfile
from typing import TYPE_CHECKING

import pytest

from postroad_kit import stack as module
from postroad_kit.embedded import processes
from postroad_kit.embedded.locks import alone
from postroad_kit.stack import current, find_or_start, in_use, set_current
from tests.harness.stack import WAIT
from tests.kit.embedded.test_shared import starter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from threading import Barrier

pytest_plugins = ["pytester"]


def test_the_stack_that_is_named(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str) -> None:
    pytester.makepyfile(
        f"""
        def test_url(postroad):
            assert postroad.url == {url!r}

        async def test_async(postroad_async):
            assert postroad_async.url == {url!r}
            assert await postroad_async.endpoints()
        """
    )
    run("--postroad-url", url).assert_outcomes(passed=2)


def test_the_stack_of_the_environment(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROAD_URL", url)
    pytester.makepyfile(f"def test_url(postroad): assert postroad.url == {url!r}")
    run().assert_outcomes(passed=1)
    assert current().postroad.url == url
    set_current(None)


def test_a_stack_of_the_projects_own(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], url: str) -> None:
    """Worlds are made where the fixture says that a project has put in place of the plugin's, and dropped there."""
    pytester.makeconftest(
        f"""
        import pytest
        from postroad_kit import Postroad
        from postroad_kit.errors import Refused

        IDS = []

        @pytest.fixture(scope="session")
        def postroad():
            with Postroad({url!r}) as postroad:
                yield postroad
                assert len(IDS) == 2
                for ident in IDS:
                    with pytest.raises(Refused):
                        postroad.find(ident)
        """
    )
    pytester.makepyfile(
        """
        from conftest import IDS

        def test_one(postroad, world, request):
            assert postroad.find(world.id).id == world.id
            IDS.append(world.id)

        def test_two(world):
            IDS.append(world.id)
        """
    )
    run().assert_outcomes(passed=2)


SHARED = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(8))
def test_it(postroad, number, request):
    assert postroad.default.dns.lookup("beta.test", "MX")
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{postroad.url} {os.getpid()}\\n")
"""


def test_workers_share_a_stack_that_ends_with_them(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEN", str(seen := tmp_path / "seen"))
    pytester.makepyfile(SHARED)
    result = pytester.runpytest_subprocess("-p", "no:mailpit", "-n", "2", "--basetemp", str(tmp_path / "base"))
    result.assert_outcomes(passed=8)
    urls, pids = (set(column) for column in zip(*(line.split() for line in seen.read_text().splitlines()), strict=True))
    assert len(urls) == 1
    assert len(pids) == 2
    folder = tmp_path / "base" / "postroad"
    assert not (folder / "data").exists()
    assert "Traceback" not in (folder / "log").read_text()


KILLED = """
import os, signal

def test_it(postroad):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_is_killed_leaves_no_stack(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(KILLED)
    pytester.runpytest_subprocess("-p", "no:mailpit", "--basetemp", str(tmp_path / "base"))
    data = tmp_path / "base" / "postroad" / "data"
    with contextlib.suppress(FileNotFoundError), alone(data / "lock"):  # all its processes hold it
        pass
    assert not data.exists()


def test_a_stack_can_not_start(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROAD_RETRY", "soon")
    pytester.makepyfile("def test_it(postroad): pass")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*CannotStart: Postroad could not be started (status 1):", "*POSTROAD_RETRY=soon*"])


def test_containers_of_a_folder(pytester: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    pytester.makepyfile("def test_it(postroad): pass")
    result = run("--postroad-containers")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*CannotStart: there is no docker-compose.yml of Postroad in .*"])


def test_a_stack_without_pytest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the kit's own `current` has it, which unittest uses."""
    stack = find_or_start(folder=tmp_path / "stack")
    assert stack.shared is not None
    assert stack.postroad.default.dns.lookup("beta.test", "MX")
    stack.close(keep=True)
    assert (tmp_path / "stack" / "data" / "mail").exists()


@pytest.fixture
def alone_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where stacks of this process tree have their folder; they are toys."""
    monkeypatch.delenv("POSTROAD_URL", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(processes, "processes", starter)
    yield tmp_path
    set_current(None)


def test_a_process_without_pytest_has_a_stack_until_it_exits(alone_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr(module, "Finalize", lambda _, end, exitpriority: at_exit.append(end))
    assert current() is current() is in_use()
    (end,) = at_exit
    assert list(alone_here.iterdir())
    end()
    assert in_use() is None
    assert list(alone_here.iterdir()) == []


def use(meeting: Barrier) -> str:
    """Use the stack of this process, in a worker of a pool, until all do."""
    shared = current().shared
    assert shared is not None
    meeting.wait(WAIT)
    return str(shared.log)


def test_workers_of_a_pool_share_a_stack_that_ends_with_them(alone_here: Path) -> None:
    """As Django's do, with `manage.py test --parallel`."""
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager, context.Pool(3) as pool:
        logs = pool.map(use, [manager.Barrier(3)] * 3, chunksize=1)
        pool.close()
        pool.join()
    assert len(set(logs)) == 1
    assert list(alone_here.iterdir()) == []
