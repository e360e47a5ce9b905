"""include (RFC 6609): scripts within scripts, and variables that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.mail.model.script_name import is_script_name
from postroad_store.sieve import limits
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.variables import GLOBAL, check_variable
from postroad_store.sieve.run import Return, Scope
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context


def _check_include(context: Context, step: Step) -> None:
    name: str = step.arguments[0]
    if not is_script_name(name):
        context.refuse(f"{name[:60]!r} is not the name of a script")


def _include(run: Run, step: Step) -> None:
    name: str = step.arguments[0]
    key = (name, ":global" in step.tags)
    if ":once" in step.tags and key in run.included:
        return
    # RFC 6609 §3.1: recursion and too deep a nesting are errors of the run
    if key in run.nested:
        raise RunError(f"the script {name} includes itself")
    if len(run.nested) > limits.INCLUDES:
        raise RunError(f"scripts include each other more than {limits.INCLUDES} deep")
    run.charge(limits.WORK // limits.INCLUDED)
    program = run.around.script(name, everybody=key[1])
    if program is None:
        if ":optional" in step.tags:
            return
        raise RunError(f"there is no script {name} to include")
    run.included.add(key)
    run.nested.append(key)
    scope, run.scope = run.scope, Scope()
    try:
        run.steps(program.steps)
    except Return:
        pass
    finally:
        run.scope = scope
        run.nested.pop()


def _return(_run: Run, _step: Step) -> None:
    raise Return


def _check_global(context: Context, step: Step) -> None:
    # RFC 6609 §3.4.1: only with both "include" and "variables"
    if not context.has("variables"):
        context.refuse('global needs require "variables"')
    for name in step.arguments[0]:
        check_variable(context, name)


def _global(run: Run, step: Step) -> None:
    for name in (name.lower() for name in step.arguments[0]):
        if name in run.scope.variables:  # RFC 6609 §3.4.1
            raise RunError(f"the variable {name} was set before it was declared global")
        run.scope.shared.add(name)


def _read(run: Run, name: str) -> str:
    return run.shared.get(name, "")


EXTENSION = Extension(
    "include",
    (
        Word(
            "include",
            (Kind.CONSTANT,),
            (
                Tagged(":personal", group="location"),
                Tagged(":global", group="location"),
                Tagged(":once"),
                Tagged(":optional"),
            ),
            run=_include,
            check=_check_include,
        ),
        Word("return", run=_return),
        Word("global", (Kind.CONSTANTS,), run=_global, check=_check_global),
    ),
    namespace=GLOBAL.removesuffix("."),
    variable=_read,
)
