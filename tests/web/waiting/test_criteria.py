"""Each criterion by itself, on messages that meet it and messages that do not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from postroad_web.catalog.record import Origin, State
from postroad_web.message.parse import parse_message
from postroad_web.waiting.criteria import Criteria, CriterionError, Judge, Verdict
from tests.web.some import digest, recipient, record

RAW = b"""From: =?utf-8?q?Ann_=C3=84?= <ann@alpha.test>
To: Bob <bob@beta.test>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
X-Order: A-1
x-order: B-2
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<p>Your <b>code</b> is 12345</p>
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename="Invoice 7.pdf"

x
--b--
""".replace(b"\n", b"\r\n")
CONTENT = parse_message(RAW)

OUTER: list[tuple[str, dict[str, Any], bool]] = [
    ("id", {"id": "q1"}, True),
    ("id", {"id": "q2"}, False),
    ("id", {"id": "Q1"}, False),
    ("recipient", {"recipient": "bob@beta.test"}, True),
    ("recipient", {"recipient": "BOB@Beta.test"}, True),
    ("recipient", {"recipient": "ob@beta.test"}, False),
    ("recipient", {"recipient": "bob@beta.tes"}, False),
    ("recipient", {"recipient": "b?b@beta.test"}, False),
    ("recipient", {"recipient": "*@beta.test"}, True),
    ("recipient", {"recipient": "b*b@*"}, True),
    ("recipient", {"recipient": "*@beta"}, False),
    ("recipient", {"recipient": ""}, False),
    ("sender", {"sender": "ann@ALPHA.test"}, True),
    ("sender", {"sender": ""}, False),
    ("to", {"to": "bob@beta.test"}, True),
    ("to", {"to": "beta.test"}, False),
    ("from", {"from_": "ann@alpha.test"}, True),
    ("from", {"from_": "Ann"}, False),
    ("subject", {"subject": "hELL"}, True),
    ("subject", {"subject": "bye"}, False),
]


@pytest.mark.parametrize(("name", "given", "met"), OUTER)
def test_what_the_record_says(name: str, given: dict[str, Any], met: bool) -> None:
    verdict = Judge(Criteria(**given)).outside(record())
    assert verdict == (((name,), (), True) if met else ((), (name,), True))


INNER: list[tuple[str, dict[str, Any], bool]] = [
    ("header X-Order", {"header": (("X-Order", "b-2"),)}, True),
    ("header x-order", {"header": (("x-order", ""),)}, True),
    ("header X-Order", {"header": (("X-Order", "C"),)}, False),
    ("header X-Other", {"header": (("X-Other", ""),)}, False),
    ("header From", {"header": (("From", "ann ä"),)}, True),
    ("body", {"body": "CODE is 123"}, True),
    ("body", {"body": "<b>code</b>"}, True),
    ("body", {"body": "Invoice"}, False),
    ("attachment", {"attachment": "invoice*.pdf"}, True),
    ("attachment", {"attachment": "invoice ?.PDF"}, True),
    ("attachment", {"attachment": "Invoice 7.pdf"}, True),
    ("attachment", {"attachment": "*.png"}, False),
    ("regex", {"regex": r"\b\d{5}\b"}, True),
    ("regex", {"regex": "^Grüße$"}, True),
    ("regex", {"regex": "<B>"}, False),
]


@pytest.mark.parametrize(("name", "given", "met"), INNER)
def test_what_the_content_says(name: str, given: dict[str, Any], met: bool) -> None:
    judge = Judge(Criteria(**given))
    assert judge.reads_content
    outside = judge.outside(record())
    assert outside == Verdict((), (), whole=False)
    assert judge.inside(outside, CONTENT) == (((name,), (), True) if met else ((), (name,), True))
    assert judge.inside(outside, None) == ((), (name,), True)


def test_all_criteria_have_to_be_met() -> None:
    judge = Judge(Criteria(recipient="bob@beta.test", subject="bye", body="code", attachment="*.png"))
    outside = judge.outside(record())
    assert outside == Verdict(("recipient",), ("subject",), whole=False)
    assert judge.inside(outside, CONTENT) == (("recipient", "body"), ("subject", "attachment"), True)


def test_without_a_digest_nothing_is_known_of_the_header() -> None:
    judge = Judge(Criteria(to="bob@beta.test", from_="ann@alpha.test", subject="Hello"))
    assert judge.outside(record(digest=None)).missed == ("to", "from", "subject")


def test_a_copy_counts_as_to() -> None:
    copied = record(digest=digest(to=(), cc=digest().to))
    assert Judge(Criteria(to="bob@beta.test")).outside(copied).met == ("to",)


def test_the_null_reverse_path_is_empty() -> None:
    assert Judge(Criteria(sender="")).outside(record(sender=None)).met == ("sender",)


def test_reports_count_where_they_are_asked_for() -> None:
    report = record(origin=Origin.REPORT)
    assert Judge(Criteria()).outside(report).missed == ("reports",)
    assert Judge(Criteria(reports=True)).outside(report).missed == ()


def test_a_query_is_a_criterion() -> None:
    judge = Judge(Criteria(), lambda given: given.number == 1)
    assert judge.outside(record(1)).met == ("query",)
    assert judge.outside(record(2)).missed == ("query",)


def test_settled_means_the_recipients_that_were_asked_for() -> None:
    waiting = record(recipients=(recipient("bob@beta.test"), recipient("eve@dead.test", State.DEFERRED)))
    assert Judge(Criteria(recipient="bob@beta.test")).settled(waiting)
    assert not Judge(Criteria(recipient="eve@*")).settled(waiting)
    assert not Judge(Criteria()).settled(waiting)
    for state in State:
        settled = state in {State.DELIVERED, State.CAPTURED, State.FAILED, State.DROPPED}
        assert Judge(Criteria()).settled(record(state=state)) is settled


@pytest.mark.parametrize("expression", ["(", "a{1,1000}{1,1000}", "(?=x)", "[z-a]", "\\1"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(
        CriterionError, match=r"is not a regular expression: (missing|bad|invalid|no argument)"
    ) as refused:
        Judge(Criteria(regex=expression))
    assert refused.value.field == "regex"


@pytest.mark.parametrize(
    "given", [{"recipient": "*a" * 150 + "b"}, {"regex": "(a|a)*b"}, {"regex": "(a*)*b"}, {"regex": "(.*)(.*)(.*)x"}]
)
def test_no_expression_takes_long(given: dict[str, Any]) -> None:
    judge = Judge(Criteria(**given))
    began = time.perf_counter()
    outside = judge.outside(record(recipients=(recipient("a" * 300),)))
    judge.inside(outside, parse_message(b"\r\n" + b"a" * 20_000))
    assert time.perf_counter() - began < 2.0
