"""Sentences of the grammars: every parser takes what its RFCs have, and nothing that is spoilt makes it fail."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.abnf import Grammar
from tests.fuzz.millions import Count, turn
from tests.fuzz.targets import REGISTRY, TARGETS, Target, grammar, rule_of

SENTENCES = 1500  # of each target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_sentences_are_understood_and_what_is_spoilt_is_survived(target: Target) -> None:
    dice, count = random.Random(target.name), Count()
    for _ in range(SENTENCES):
        turn(target, count, dice)
    assert (count.sentences, count.spoilt) == (SENTENCES, SENTENCES)


def test_every_command_of_imap_has_a_rule() -> None:
    rules = grammar("imap")
    missing = [
        spec.name for spec in REGISTRY.by_name.values() if spec.resume is None and rule_of(spec.name) not in rules
    ]
    assert not missing


def test_a_grammar_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="no rule for b, c"):
        Grammar("a = b / c")
    with pytest.raises(ValueError, match="the rule a can't be read at"):
        Grammar("a = ^")


def test_sentences_of_a_grammar() -> None:
    rules = Grammar('a = %s"x" [b] 2("y") %x30-31 / b ; a comment\nb = "(" *a ")"\n')
    dice = random.Random(1)
    sentences = {rules.sentence("A", dice) for _ in range(2000)}
    assert {b"xyy0", b"xYy1", b"()", b"x()yy0"} <= sentences
    assert all(sentence.count(b"(") == sentence.count(b")") for sentence in sentences)
    assert not any(b"X" in sentence for sentence in sentences)
