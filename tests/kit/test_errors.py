"""What a test sees of what went wrong."""

from __future__ import annotations

from postroad_kit.errors import MailError, NotArrived


def test_a_problem_that_the_api_told_is_there_and_else_nothing() -> None:
    assert MailError("so it is not").problem == {}
    told = {"title": "Time is over"}
    assert NotArrived("so it is not", told).problem == told
