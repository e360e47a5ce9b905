"""Classes of values: equal by their fields, shown with them, and with nothing else of an object."""

from __future__ import annotations

from dataclasses import field, replace

import pytest

from postroad.value import value


@value
class Login:
    name: str
    password: str = field(repr=False)
    asked: int = field(default=0, compare=False)
    limits: dict[str, int] = field(default_factory=dict, repr=False, hash=False)

    def greeting(self) -> str:
        return f"hello {self.name}"


@value
class Nothing:
    pass


@value
class Folded:
    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.name.lower() == other.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())

    def __repr__(self) -> str:
        return self.name


@value
class Late(Login):
    hours: int = 1


def test_values_are_equal_where_the_fields_that_count_are() -> None:
    assert Login("ann", "pw") == Login("ann", "pw", 7)
    assert Login("ann", "pw") != Login("ann", "other")
    assert Login("ann", "pw") != Login("ann", "pw", limits={"INBOX": 1})
    assert len({Login("ann", "pw"), Login("ann", "pw", 7), Login("bob", "pw")}) == 2
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())


def test_a_value_is_equal_to_none_of_another_class() -> None:
    assert Login("ann", "pw") != object()
    assert Late("ann", "pw") != Login("ann", "pw")
    assert Nothing() != Folded("")
    assert Login("ann", "pw").__eq__("ann") is NotImplemented


def test_a_value_of_a_derived_class_counts_all_fields() -> None:
    assert Late("ann", "pw", hours=2) == Late("ann", "pw", hours=2)
    assert Late("ann", "pw", hours=2) != Late("ann", "pw", hours=3)
    assert Late("ann", "pw").greeting() == "hello ann"


def test_a_value_is_shown_without_what_is_secret() -> None:
    assert repr(Login("ann", "pw")) == "Login(name='ann', asked=0)"
    assert repr(Late("ann", "pw")) == "Late(name='ann', asked=0, hours=1)"
    assert repr(Nothing()) == "Nothing()"


def test_a_class_may_say_itself_what_is_equal_and_how_it_is_shown() -> None:
    assert Folded("Ann") == Folded("ann")
    assert {Folded("Ann")} == {Folded("ann")}
    assert repr(Folded("Ann")) == "Ann"


def test_a_value_has_its_fields_alone_and_can_be_made_anew_with_others() -> None:
    assert replace(Login("ann", "pw", 7), name="bob") == Login("bob", "pw")
    with pytest.raises(AttributeError):
        Login("ann", "pw").unknown = 1  # type: ignore[attr-defined]
