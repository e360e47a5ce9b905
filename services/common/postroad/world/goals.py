"""The goals of aliases and catch-alls: finds loops, chains that are too long, and addresses that do not exist.

`World.next_step` has the order of the address rules; this module only follows the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.world.world import Redirect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postroad.mail.address import Address
    from postroad.world.toml_lines import KeyPath
    from postroad.world.world import World

MAX_ALIAS_DEPTH = 20  # how many aliases may lead from one to the next

# A redirection of mail: an alias, (domain, local-part), or a catch-all, (domain, None).
Step = tuple[str, str | None]


class GoalCheck:
    """Follows redirections as `World.resolve` does.

    `goals` are addresses that must lead somewhere, each with its place in the file and the words that name it; `steps`
    are all aliases and catch-alls with their places.
    """

    def __init__(
        self, world: World, goals: Iterable[tuple[KeyPath, str, Address]], steps: Mapping[Step, KeyPath]
    ) -> None:
        self._world = world
        self._goals = goals
        self._steps = steps
        self._depths: dict[Step, int] = {}  # how many steps lead on from each that was walked
        self._loops: set[frozenset[Step]] = set()
        self._faults: list[tuple[KeyPath, str]] = []

    def faults(self) -> list[tuple[KeyPath, str]]:
        """Return the faults, each with its place in the file."""
        for at, what, address in self._goals:
            if address.domain not in self._world.domains:
                self._faults.append((at, f"{what} leads to {address}, and {address.domain} is no domain of this world"))
            elif self._world.next_step(address) is None:
                missing = "there is no such account or alias, nor a catch-all"
                self._faults.append((at, f"{what} leads to {address}, and {missing}"))
        for step in self._steps:
            self._walk(step, ())
        return self._faults

    def _following(self, step: Step) -> Iterator[Step]:
        """Yield the steps that mail takes after this one."""
        domain = self._world.domains[step[0]]
        redirect = domain.catch_all_step if step[1] is None else domain.next_step(step[1])
        for target in redirect.targets if isinstance(redirect, Redirect) else ():
            following = self._world.next_step(target)
            if isinstance(following, Redirect):
                yield following.domain, following.alias

    def _walk(self, step: Step, path: tuple[Step, ...]) -> int:
        """Return how many steps lead on from this one, to which `path` led."""
        if step in path:
            self._note_loop(step, path)
            return 0
        if step not in self._depths:
            if len(path) > MAX_ALIAS_DEPTH:
                return 0  # one of them has just so many behind it, and is noted below
            following = (self._walk(after, (*path, step)) for after in self._following(step))
            self._depths[step] = 1 + max(following, default=0)
            if self._depths[step] == MAX_ALIAS_DEPTH + 1:
                self._note_too_deep(step)
        return self._depths[step]

    def _note_loop(self, step: Step, path: tuple[Step, ...]) -> None:
        loop = path[path.index(step) :]
        if frozenset(loop) in self._loops:
            return
        self._loops.add(frozenset(loop))
        sentence = f"alias loop: {' -> '.join(map(_spell, (*loop, step)))}"
        if loop == ((step[0], None),):  # a catch-all that catches the address that it names
            catch_all = self._world.domains[step[0]].catch_all
            sentence = f"catch-all leads to {catch_all}, and there is no such account or alias"
        self._faults.append((self._steps[step], sentence))

    def _note_too_deep(self, step: Step) -> None:
        sentence = f"more than {MAX_ALIAS_DEPTH} aliases in a row lead on from {_spell(step)}"
        self._faults.append((self._steps[step], sentence))


def _spell(step: Step) -> str:
    domain, alias = step
    return f"the catch-all of {domain}" if alias is None else f"{alias}@{domain}"
