"""What a failure says."""

from __future__ import annotations

from postroad_kit.errors import Away, Refused
from postroad_kit.table import WIDEST, table
from postroad_kit.telling import sentences, several
from tests.kit.samples import letter, message, recipient


def test_a_table_is_harmless_and_narrow() -> None:
    lines = list(table(("A", "B"), [["x\x1b[2J", "y" * 99]]))
    assert lines == ["  A         B", f"  x\\x1b[2J  {'y' * (WIDEST - 1)}…"]


def test_a_time_out_says_all_that_is_known() -> None:
    other = message("5A", subject=None, sender=None, recipients=[recipient(), recipient("ann@shop.test")])
    nobody = message("6B", recipients=[])
    problem = {
        "detail": "at least 1 should match, but within 1 s 0 did.",
        "near_misses": [{"message": message(), "met": ["recipient"], "missed": ["subject", "body"]}],
        "matched": [nobody],
        "under_way": [{"id": "7C", "recipient": "ann@shop.test", "state": "deferred", "detail": "451 busy"}],
        "refused": [{"command": None, "recipients": ["x@shop.test", "y@a.test"], "reply": "550 5.1.1 no"}],
        "arrived": [message(), nobody, other],
    }
    assert "\n".join(sentences(problem)) == (
        "at least 1 should match, but within 1 s 0 did.\n"
        "Came close:\n"
        "  ID      STATE      FROM           TO             SUBJECT  BUT NOT\n"
        "  4F1A9C  delivered  app@shop.test  bob@shop.test  Welcome  subject, body\n"
        "Matches:\n"
        "  ID  STATE      FROM           TO  SUBJECT\n"
        "  6B  delivered  app@shop.test      Welcome\n"
        "Still under way:\n"
        "  ID  TO             WHY\n"
        "  7C  ann@shop.test  451 busy\n"
        "Refused lately:\n"
        "  COMMAND  TO                     REPLY\n"
        "           x@shop.test, y@a.test  550 5.1.1 no\n"
        "Came meanwhile:\n"
        "  ID  STATE      FROM  TO                SUBJECT\n"
        "  5A  delivered  <>    bob@shop.test +1"
    )


def test_a_problem_without_words() -> None:
    assert list(sentences({})) == ["The API does not say why."]
    assert list(sentences({"title": "No"})) == ["No"]


def test_several_where_one_was_expected() -> None:
    lines = several([letter(), letter()]).splitlines()
    assert lines[0] == "1 message was expected, but 2 match (wait_all takes several):"
    assert len(lines) == 4


def test_errors_are_sentences() -> None:
    assert str(Refused(409, {"detail": "The domain shop.test is checkout's."})).endswith(
        "409: The domain shop.test is checkout's."
    )
    told = {"detail": "records.0: can't be read.", "errors": [{"field": "records.0", "detail": "can't be read"}]}
    assert str(Refused(422, told)) == "Postroad answers 422: records.0: can't be read."
    assert str(Refused(500, {})) == "Postroad answers 500: it does not say why"
    assert str(Away("http://x", "refused")) == "Postroad at http://x can't be reached: refused. Does the stack run?"
