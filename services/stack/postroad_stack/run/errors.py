"""The error that prevents the stack from running."""

from __future__ import annotations


class RunError(Exception):
    """The stack cannot run; the message says why and what to do."""
