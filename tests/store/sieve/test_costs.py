"""What a script's steps cost (`Run.charge`): found by the least work that is enough for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.sieve import limits
from tests.store.sieve.toy import MESSAGE, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = TEST = 300
NUMBER = 500 + len(b"X-Number: 42\r\n")  # to look for a header field
TWO = 500 + len(b"X-Two: first\r\n") + len(b"X-Two: second\r\n")
MISSING = 500
BODY = MESSAGE.partition(b"\r\n\r\n")[2].decode()


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    def is_enough(script: str, work: int) -> bool:
        monkeypatch.setattr(limits, "WORK", work)
        error = outcome(script).error
        assert error is None or str(error).endswith("the script takes too long"), error
        return error is None

    def least_work(script: str) -> int:
        low, high = -1, 4_000_000
        assert is_enough(script, high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if is_enough(script, middle) else (middle, high)
        return high

    return least_work


def pair(value: str, key: str) -> int:
    return 500 + len(value) + len(key)


IF = COMMAND + TEST
REQUIRE = 'require ["variables", "relational", "body", "editheader", "regex"]; '
COSTS = [
    ("", 0),
    ("keep;", COMMAND),
    ("keep; discard;", 2 * COMMAND),
    ("if true { keep; }", IF + COMMAND),
    ("if false { keep; }", IF),
    ("if not true { keep; }", IF + TEST),
    ("if false { } elsif true { keep; }", COMMAND + 2 * TEST + COMMAND),
    ("if anyof (false, true, true) { }", IF + 2 * TEST),
    ("if allof (true, false, true) { }", IF + 2 * TEST),
    ("if size :over 1 { }", IF),
    ('if exists "x" { }', IF),
    ('if header "x" "y" { }', IF + MISSING),
    ('if header "x-number" "42" { }', IF + NUMBER + pair("42", "42")),
    ('if header "x-number" ["4", "423"] { }', IF + NUMBER + pair("42", "4") + pair("42", "423")),
    ('if header "x-two" ["a", "second"] { }', IF + TWO + sum(pair(*two) for two in (
        ("first", "a"), ("first", "second"), ("second", "a"), ("second", "second")
    ))),
    ('if header :count "eq" "x-two" ["1", "2", "3"] { }', IF + TWO + 500 * 4),
    ('if header :value "eq" "x-number" "42" { }', IF + NUMBER + pair("42", "42")),
    ('if header :matches "x-number" "?*" { }', IF + NUMBER + pair("42", "?*")),
    # Where a segment with "?" fits is tried at each place.
    ('if header :matches "x-two" "*?t*" { }', IF + TWO + pair("first", "*?t*") + 200 * 2 * 4),
    ('if header :matches "x-two" "*s?x*" { }', IF + TWO + pair("first", "*s?x*") + 200 * 2 * 3
        + pair("second", "*s?x*") + 200 * 2 * 4),
    ('if header :matches "x-two" "*irs*" { }', IF + TWO + pair("first", "*irs*")),
    ('set "a" "xyz"; set "b" "${a}-${a}"; keep;', 3 * COMMAND + 10 * 3 + 200 * 3 + 7 + 10 * 7),
    ('if string "${a}" "" { }', IF + 200 + pair("", "")),
    ('if body :raw :contains "zzz" { }', IF + 2 * len(MESSAGE) + pair(BODY, "zzz")),
    ('addheader "X" "y";', COMMAND + 100 * len("X: y\r\n")),
    ('if header :regex "x-number" "^4" { }', IF + NUMBER + pair("42", "^4") + 10_000 + 20 * 2),
]  # fmt: skip


@pytest.mark.parametrize(("script", "steps"), COSTS)
def test_costs(cost: Callable[[str], int], script: str, steps: int) -> None:
    assert cost(REQUIRE + script) == steps
