"""relational (RFC 5231): match by order (`:value`), or by how many values there are (`:count`)."""

from __future__ import annotations

from postroad_store.sieve.matching import COUNT, VALUE
from postroad_store.sieve.spec import Extension

EXTENSION = Extension("relational", match_types=(VALUE, COUNT))
