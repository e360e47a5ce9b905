"""SASLprep: the examples of RFC 4013 §3, and each rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sasl.saslprep import PrepareError, saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),  # SOFT HYPHEN mapped to nothing
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("ﬁ", "fi"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("\u06271\u0628", "\u06271\u0628"),
        ("\U0001f600", "\U0001f600"),  # younger than Unicode 3.2: allowed in a query
        ("", ""),
    ],
)
def test_prepared(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text",
    [
        "\u0007",
        "\u06271",
        "\u0627a\u0628",
        "a\u0627",
        "\ue000",
        "\ufdd0",
        "\ud800",
        "\u2ff0",
        "\u0340\u200e",
        "\U000e0001",
        "\0",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(PrepareError):
        saslprep(text)


@given(st.text(max_size=20))
def test_what_is_prepared_stays_so(text: str) -> None:
    try:
        prepared = saslprep(text)
    except PrepareError:
        return
    assert saslprep(prepared) == prepared
