"""Which command is legal in which state, as text: `python -m postroad_store.imap.table` prints it."""

from __future__ import annotations

import sys

from postroad_store.imap.registry import Registry
from postroad_store.imap.states import State


def table(registry: Registry) -> str:
    """Return the table of command by state."""
    lines = [f"{'':14}" + "".join(f"{state.value:>20}" for state in State)]
    for name, spec in registry.by_name.items():
        marks = ("yes" if state in spec.states else "BAD" if state is not State.LOGOUT else "closed" for state in State)
        lines.append(f"{name.decode('ascii'):14}" + "".join(f"{mark:>20}" for mark in marks))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(Registry()) + "\n")
