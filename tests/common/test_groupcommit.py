"""Group commit: who waits shares the next commit; failures reach those they are of."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from postroad.groupcommit import MOST_TURNS, TURNS, GroupCommit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


async def test_work_is_committed_in_order_and_answered_each() -> None:
    batches: list[list[int]] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        return [number * 10 for number in batch]

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    assert await asyncio.gather(*(writer.durable(number) for number in range(50))) == [10 * n for n in range(50)]
    assert [number for batch in batches for number in batch] == list(range(50))
    writer.close()


async def test_afterwards_comes_behind_all_that_the_callers_do_at_once() -> None:
    done: list[str] = []
    writer: GroupCommit[int, int] = GroupCommit(list, name="test", afterwards=lambda: done.append("afterwards"))
    for number in (1, 2):
        writer.durable(number).add_done_callback(lambda future: done.append(f"told {future.result()}"))
    async with asyncio.timeout(10):
        while "afterwards" not in done:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
    assert done == ["told 1", "told 2", "afterwards"]
    writer.close()


async def test_who_comes_during_a_commit_shares_the_next() -> None:
    running, go_on = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        running.set()
        assert go_on.wait(10)
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", limit=2)
    first = writer.durable(0)
    await asyncio.to_thread(running.wait, 10)
    rest = [writer.durable(number) for number in (1, 2, 3)]
    go_on.set()
    await asyncio.gather(first, *rest)
    assert batches == [[0], [1, 2], [3]]
    writer.close()


async def test_one_result_may_be_an_exception() -> None:
    def commit(batch: Sequence[int]) -> list[int | Exception]:
        return [ValueError("odd") if number % 2 else number for number in batch]

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    results = await asyncio.gather(*(writer.durable(number) for number in range(4)), return_exceptions=True)
    assert [type(result) for result in results] == [int, ValueError, int, ValueError]
    writer.close()


async def test_a_commit_that_fails_fails_its_batch_alone() -> None:
    def commit(batch: Sequence[int]) -> list[int | Exception]:
        if 0 in batch:
            raise OSError("disk")
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", limit=1)
    first, second = writer.durable(0), writer.durable(1)
    with pytest.raises(OSError, match="disk"):
        await first
    assert await second == 1
    writer.close()


async def test_a_caller_that_breaks_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    writer: GroupCommit[int, int] = GroupCommit(list, name="test")

    def broken(_: int | Exception) -> None:
        raise ZeroDivisionError

    writer.submit(0, broken)
    assert await writer.durable(1) == 1
    assert "ZeroDivisionError" in caplog.text
    writer.close()


async def test_a_turn_of_the_loop_is_one_batch() -> None:
    batches: list[list[int]] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    await asyncio.gather(*(writer.durable(number) for number in range(3)))
    assert batches == [[0, 1, 2]]
    writer.close()


async def test_close_commits_what_is_pending_and_takes_no_more() -> None:
    committed: list[int] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        committed.extend(batch)
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    pending = [writer.durable(number) for number in range(3)]
    await asyncio.to_thread(writer.close)
    assert committed == [0, 1, 2]
    await asyncio.gather(*pending)
    with pytest.raises(RuntimeError, match="closed"):
        writer.durable(3)


def test_a_loop_that_closed_ends_the_thread() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        entered.set()
        assert go_on.wait(10)
        return list(batch)

    async def begin() -> GroupCommit[int, int]:
        writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
        writer.submit(1, lambda _: None)
        await asyncio.to_thread(entered.wait, 10)
        return writer

    writer = asyncio.run(begin())
    go_on.set()
    writer.close()


async def test_who_no_longer_waits_is_committed_all_the_same() -> None:
    committed: list[int] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        committed.extend(batch)
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    gone, waits = writer.durable(1), writer.durable(2)
    gone.cancel()
    assert await waits == 2
    writer.close()
    assert committed == [1, 2]
    assert gone.cancelled()


async def test_work_in_no_hurry_shares_the_commit_of_other_work() -> None:
    batches: list[list[int]] = []
    told: list[int | Exception] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    writer.submit(1, told.append, hurry=False)
    writer.submit(2, told.append, hurry=False)
    await writer.durable(3)
    assert batches == [[1, 2, 3]]
    assert told == [1, 2]
    await writer.durable(4)
    writer.submit(5, told.append, hurry=False)
    writer.close()
    assert batches == [[1, 2, 3], [4], [5]]


async def test_work_in_no_hurry_is_committed_without_other_work_too() -> None:
    writer: GroupCommit[int, int] = GroupCommit(list, name="test")
    told: asyncio.Future[int | Exception] = asyncio.get_running_loop().create_future()
    writer.submit(1, told.set_result, hurry=False)
    assert await asyncio.wait_for(told, 10) == 1
    writer.close()


def noting(batches: list[list[int]], begun: threading.Event) -> Callable[[Sequence[int]], list[int | Exception]]:
    """A commit that notes its batches, and that it has begun."""

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        begun.set()
        return list(batch)

    return commit


async def test_the_thread_is_woken_at_once_for_a_caller_alone_and_later_while_commits_are_shared() -> None:
    batches: list[list[int]] = []
    begun = threading.Event()
    commit = noting(batches, begun)
    writer: GroupCommit[int, int] = GroupCommit(commit, name="test")
    for number in (1, 2):  # the second after a commit that was not shared either, but by work in no hurry
        begun.clear()
        writer.submit(10 * number, lambda _: None, hurry=False)
        alone = writer.durable(number)
        await asyncio.sleep(0)
        assert begun.wait(10), "the loop takes no turn meanwhile"
        await alone
    await asyncio.gather(writer.durable(3), writer.durable(4))
    first = writer.durable(5)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    await asyncio.gather(first, writer.durable(6))
    assert batches == [[10, 1], [20, 2], [3, 4], [5, 6]]
    writer.close()


async def test_a_writer_that_gathers_is_woken_when_turns_bring_no_more_work_or_enough_have_passed() -> None:
    batches: list[list[int]] = []
    begun = threading.Event()
    commit = noting(batches, begun)
    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", most_turns=MOST_TURNS)
    await asyncio.gather(writer.durable(0), writer.durable(1))
    endless = []
    for number in range(MOST_TURNS):
        endless.append(writer.durable(number))
        await asyncio.sleep(0)
    await asyncio.gather(*endless)
    assert batches[1] == list(range(MOST_TURNS))
    begun.clear()
    last = [writer.durable(1), writer.durable(2)]
    for _ in range(TURNS + 2):
        await asyncio.sleep(0)
    assert begun.wait(10), "the loop takes no turn meanwhile"
    await asyncio.gather(*last)
    writer.close()


async def test_a_batch_is_begun_on_the_loop_and_the_next_one_not_before_its_end() -> None:
    steps: list[tuple[str, list[int], bool]] = []
    entered, go_on = threading.Event(), threading.Event()
    here = threading.get_ident()

    def begin(batch: Sequence[int]) -> None:
        steps.append(("begin", list(batch), threading.get_ident() == here))

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        entered.set()
        assert go_on.wait(10)
        steps.append(("commit", list(batch), threading.get_ident() == here))
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", begin=begin)
    first = writer.durable(1)
    await asyncio.to_thread(entered.wait, 10)
    rest = [writer.durable(2), writer.durable(3)]
    for _ in range(2 * TURNS):
        await asyncio.sleep(0)
    assert steps == [("begin", [1], True)]
    first.add_done_callback(lambda _: steps.append(("told", [1], True)))
    go_on.set()
    assert await asyncio.gather(first, *rest) == [1, 2, 3]
    assert [step for step in steps if step[1] == [1]] == [
        ("begin", [1], True),
        ("commit", [1], False),
        ("told", [1], True),
    ]
    # The second is begun before the first one's callers hear of it.
    assert steps.index(("commit", [1], False)) < steps.index(("begin", [2, 3], True)) < steps.index(("told", [1], True))
    writer.close()


async def test_work_in_no_hurry_is_begun_behind_a_commit_during_which_its_time_came() -> None:
    entered, go_on = threading.Event(), threading.Event()
    begun: list[list[int]] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        entered.set()
        assert go_on.wait(10)
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", begin=lambda batch: begun.append(list(batch)))
    first = writer.durable(1)
    await asyncio.to_thread(entered.wait, 10)
    told: asyncio.Future[int | Exception] = asyncio.get_running_loop().create_future()
    writer.submit(2, told.set_result, hurry=False)
    writer._remember()  # its time
    assert begun == [[1]]
    go_on.set()
    assert await first == 1
    assert await asyncio.wait_for(told, 10) == 2
    assert begun == [[1], [2]]
    writer.close()


async def test_work_in_no_hurry_has_no_commit_of_its_own_behind_another_before_its_time() -> None:
    begun: list[list[int]] = []
    writer: GroupCommit[int, int] = GroupCommit(list, name="test", begin=lambda batch: begun.append(list(batch)))
    told: list[int | Exception] = []
    first = writer.durable(1)
    first.add_done_callback(lambda _: writer.submit(2, told.append, hurry=False))
    await first
    assert await writer.durable(3) == 3
    assert begun == [[1], [2, 3]]
    assert told == [2]
    writer.close()


async def test_a_beginning_that_breaks_leaves_all_to_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    def begin(_: Sequence[int]) -> None:
        raise ZeroDivisionError

    writer: GroupCommit[int, int] = GroupCommit(list, name="test", begin=begin)
    assert await asyncio.gather(*map(writer.durable, (1, 2))) == [1, 2]
    assert "ZeroDivisionError" in caplog.text
    writer.close()


async def test_close_ends_what_was_begun_before_what_was_not() -> None:
    steps: list[tuple[str, list[int]]] = []
    entered, go_on = threading.Event(), threading.Event()

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        steps.append(("commit", list(batch)))
        entered.set()
        assert go_on.wait(10)
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(
        commit, name="test", begin=lambda batch: steps.append(("begin", list(batch)))
    )
    first = writer.durable(1)
    await asyncio.to_thread(entered.wait, 10)
    second = writer.durable(2)
    go_on.set()
    writer.close()
    assert steps == [("begin", [1]), ("commit", [1]), ("commit", [2])]
    assert (await first, await second) == (1, 2)


async def test_what_waits_for_no_disk_is_committed_on_the_loop() -> None:
    threads: list[threading.Thread] = []
    batches: list[list[int]] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        threads.append(threading.current_thread())
        batches.append(list(batch))
        if 9 in batch:
            raise OSError
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", at_once=lambda: True)
    assert await asyncio.gather(*map(writer.durable, (1, 2, 3))) == [1, 2, 3]
    with pytest.raises(OSError):  # noqa: PT011 - it has no text
        await writer.durable(9)
    assert await writer.durable(4) == 4
    assert batches == [[1, 2, 3], [9], [4]]
    assert set(threads) == {threading.current_thread()}
    writer.close()


async def test_more_than_one_commit_takes_goes_on_in_the_thread() -> None:
    threads: list[threading.Thread] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        threads.append(threading.current_thread())
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", limit=2, at_once=lambda: True)
    assert await asyncio.gather(*map(writer.durable, range(5))) == [0, 1, 2, 3, 4]
    assert threads[0] is threading.current_thread()
    assert threads[-1] is not threading.current_thread()
    writer.close()


async def test_nothing_is_committed_on_the_loop_while_the_thread_commits() -> None:
    running, go_on = threading.Event(), threading.Event()
    at_once = False
    batches: list[list[int]] = []

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        if batch == [0]:
            running.set()
            assert go_on.wait(10)
        return list(batch)

    writer: GroupCommit[int, int] = GroupCommit(commit, name="test", at_once=lambda: at_once)
    first = writer.durable(0)
    await asyncio.to_thread(running.wait, 10)
    at_once = True
    second = writer.durable(1)
    for _ in range(TURNS + 2):
        await asyncio.sleep(0)
    assert batches == [[0]]
    assert not second.done()
    go_on.set()
    assert [await first, await second] == [0, 1]
    assert batches == [[0], [1]]
    writer.close()
