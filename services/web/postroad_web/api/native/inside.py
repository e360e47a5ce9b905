"""What the resources below `/v1/worlds/{id}` have in common: the world that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_web.api.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from postroad_web.api.services import Services

WORLD = {"id": "the world's ID; `default` is the world file's"}


def world_at(services: Services, request: Request) -> str:
    """Return the ID of the world in the path; raises `Problem` 404 if there is none."""
    world: str = request.path_params["id"]
    if services.worlds.begun(world) is None:
        raise Problem(404, "No such world", f"There is no world {world[:64]}.")
    return world
