"""What a test sees of what went wrong."""

from __future__ import annotations

import pickle

import pytest

from postroad_kit.errors import Away, CannotStart, MailError, NotArrived, PostroadError, Refused


def test_a_problem_that_the_api_told_is_there_and_else_nothing() -> None:
    assert MailError("so it is not").problem == {}
    told = {"title": "Time is over"}
    assert NotArrived("so it is not", told).problem == told


@pytest.mark.parametrize(
    "error",
    [
        Refused(422, {"title": "No", "errors": [{"field": "ttl", "detail": "is no number"}]}),
        Away("http://localhost:1", ConnectionRefusedError("no")),
        CannotStart("no disk"),
        NotArrived("so it is not", {"title": "Time is over"}),
    ],
)
def test_it_goes_from_process_to_process(error: PostroadError | MailError) -> None:
    """As runners send it whose workers are processes; what was added to it goes along."""
    error.add_note("the world")
    come = pickle.loads(pickle.dumps(error))
    assert (type(come), str(come), vars(come)) == (type(error), str(error), vars(error))
