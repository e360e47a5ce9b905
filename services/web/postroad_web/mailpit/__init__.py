"""Mailpit's dialect: its API v1, websocket and views, as its clients know them (docs/decisions/0022)."""

from postroad_web.mailpit.paths import routes

__all__ = ["routes"]
