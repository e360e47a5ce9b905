"""The native API under /v1, one module per resource.

A module here that has `routes(services) -> list[BaseRoute]` is found and served, and its `OPENAPI` (paths, each with
its operations) becomes part of the document at /v1/openapi.json, with its `SCHEMAS` (by name). To add a resource is to
add a file. Modules without `routes` are helpers.

    OPENAPI = {"/v1/things/{id}": {"get": operation("Read a thing", answer=SCHEMAS["Thing"])}}
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from starlette.routing import BaseRoute

    from postroad_web.api.services import Services


@cache
def modules() -> tuple[ModuleType, ...]:
    """Return the modules of resources, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    imported = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(module for module in imported if hasattr(module, "routes"))


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes of all resources."""
    return [route for module in modules() for route in module.routes(services)]


def described_paths() -> dict[str, Any]:
    """Return the paths of the OpenAPI document, in the order of the modules; each path belongs to one module."""
    gathered: dict[str, Any] = {}
    for module in modules():
        for path, operations in module.OPENAPI.items():
            named = {
                method: {"operationId": _identifier(method, path), **operation}
                for method, operation in operations.items()
            }
            gathered.setdefault(path, {}).update(named)
    return gathered


def _identifier(method: str, path: str) -> str:
    """Return the name that generated clients give an operation: get_messages_id_raw."""
    return "_".join([method, *re.findall(r"\w+", path.removeprefix("/v1"))])


def described_schemas() -> dict[str, Any]:
    """Return the schemas of the OpenAPI document by their names."""
    gathered: dict[str, Any] = {}
    for module in modules():
        gathered.update(getattr(module, "SCHEMAS", {}))
    return gathered
