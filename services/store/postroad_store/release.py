"""Which release of Postroad's store this is, for clients and scripts that ask."""

from __future__ import annotations

from functools import cache


@cache
def release() -> str:
    """Return the version of the package that is installed."""
    from importlib.metadata import version  # noqa: PLC0415 - takes 15 ms, which the start need not spend

    return version("postroad-store")
