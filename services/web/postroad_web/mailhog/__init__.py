"""MailHog's dialect: its APIs v1 and v2, both event streams, and Jim (docs/decisions/0038)."""

from postroad_web.mailhog.paths import routes

__all__ = ["routes"]
