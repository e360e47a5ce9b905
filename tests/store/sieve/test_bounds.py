"""The limits of scripts, each at its boundary: what is just within it is done, and one more is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_store.sieve import limits
from postroad_store.sieve.extensions.vacation import REASON
from tests.store.sieve.toy import MESSAGE, compiled, decide, faults, holds

if TYPE_CHECKING:
    from collections.abc import Callable


def boxes(count: int) -> str:
    return 'require "fileinto"; ' + "".join(f'fileinto "b{number}";' for number in range(count))


def redirects(count: int) -> str:
    return "".join(f'redirect "a{number}@b.test";' for number in range(count))


def variables(count: int) -> str:
    return (
        'require "variables"; ' + "".join(f'set "v{number}" "";' for number in range(count)) + 'set "V0" "x"; discard;'
    )


def vacation(count: int) -> str:
    return f'require "vacation"; vacation "{"x" * count}"; discard;'


def added(count: int) -> str:
    return 'require "editheader"; ' + f'addheader "X" "{"y" * 60}";' * count + "discard;"


EACH = len(b"X: " + b"y" * 60 + b"\r\n")


@pytest.mark.parametrize(
    ("script", "most", "error"),
    [
        (boxes, limits.ACTIONS, "a script takes at most 32 actions"),
        (redirects, limits.REDIRECTS, "a script redirects a message at most 4 times"),
        (variables, limits.VARIABLES, "a script has at most 256 variables"),
        (vacation, REASON, "a vacation response has at most 65536 characters"),
        (added, limits.EDITED // EACH, "a script adds at most 65536 octets of header fields"),
    ],
)
def test_what_a_run_may_do(script: Callable[[int], str], most: int, error: str) -> None:
    assert not any(said.startswith("error") for said in decide(script(most)))
    assert decide(script(most + 1)) == [f"error line 1: {error}"]


def test_other_actions_may_follow_the_last_redirect() -> None:
    sent = [f"redirect a{number}@b.test" for number in range(limits.REDIRECTS)]
    assert decide(redirects(limits.REDIRECTS) + "keep;") == [*sent, "keep"]
    assert decide('require "fileinto";' + redirects(limits.REDIRECTS) + 'fileinto "b";') == [*sent, "fileinto b"]


def test_an_expression_that_is_too_large_is_refused() -> None:
    """It would take more than a megabyte, compiled."""
    script = 'require "regex"; if header :regex "subject" "%s" { discard; }'
    assert faults(script % ("[^a]{99}" * 10)) == []
    (fault,) = faults(script % ("[^a]{999}" * 10))
    assert "too large" in fault


def test_nesting() -> None:
    def nested(count: int) -> str:
        return "if true {" * count + "keep;" + "}" * count

    assert compiled(nested(limits.NESTING))
    (fault,) = faults(nested(limits.NESTING + 1))
    assert fault.endswith("nested more than 32 deep")


def test_the_size_of_a_script() -> None:
    assert compiled("keep;".ljust(limits.SCRIPT))
    assert faults("keep;".ljust(limits.SCRIPT + 1)) == ["line 1, column 1: a script has at most 131072 octets"]


def test_numbers() -> None:
    assert not holds(f"size :over {limits.NUMBER}")
    assert holds(f"size :under {limits.NUMBER}")
    (fault,) = faults(f"if size :over {limits.NUMBER + 1} {{ }}")
    assert fault.endswith("a number is at most 9223372036854775807")
    assert not holds(f"size :over {len(MESSAGE)}")
    assert holds(f"size :over {len(MESSAGE) - 1}")
    assert not holds(f"size :under {len(MESSAGE)}")
    assert holds(f"size :under {len(MESSAGE) + 1}")


def test_names_of_variables() -> None:
    assert decide('require ["variables", "fileinto"]; fileinto "x${32}${032}${0000032}";') == ["fileinto x"]
    for name in ("33", "0033", "10000"):
        (fault,) = faults(f'require "variables"; redirect "${{{name}}}";')
        assert fault.endswith("the highest match variable is 32")


def test_faults_that_are_listed() -> None:
    assert len(faults("foo; " * (limits.FAULTS + 5))) == limits.FAULTS
    assert len(faults("foo; " * (limits.FAULTS - 1))) == limits.FAULTS - 1


@pytest.mark.parametrize("first", ["", "0"])
@pytest.mark.parametrize("special", ["*", "\\\\"])
def test_a_long_value_is_not_cut_within_what_is_quoted(first: str, special: str) -> None:
    """Half of it, a backslash, would quote what a script puts behind the variable (RFC 5229 §6 lets it be cut)."""
    count = (limits.VALUE - len(first)) // 2
    script = f'set :quotewildcard "a" "{first}{special * (count + 9)}"; set :length "n" "${{a}}"; fileinto "${{n}}";'
    script += f'if string :matches "{first}{special * count}x" "${{a}}*" {{ keep; }}'
    kept = decide(f'require ["variables", "fileinto"]; {script}')
    assert kept == [f"fileinto {len(first) + 2 * count}", "keep"]


def test_a_long_expression_is_not_cut_within_what_is_quoted() -> None:
    script = f'set :quoteregex "a" "0{"*" * (limits.VALUE // 2)}"; set :length "n" "${{a}}"; fileinto "${{n}}";'
    kept = decide(f'require ["variables", "fileinto", "regex"]; {script}')
    assert kept == [f"fileinto {limits.VALUE - 1}"]
