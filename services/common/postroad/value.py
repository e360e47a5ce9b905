"""Values: objects of some fields, equal where these are equal, that nobody changes once they are made.

    @value
    class Recipient:
        address: Address

It is a frozen dataclass with slots to the type checker, which alone keeps it from being changed: to check that at run
time too would take a sixth of a microsecond per field, and a message needs a dozen such objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a class of values."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
