"""GreenMail's dialect: its REST API (docs/decisions/0038)."""

from postroad_web.greenmail.paths import routes

__all__ = ["routes"]
