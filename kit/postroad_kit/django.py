"""For Django: its mail goes through a world's app door, so that a test sees it arrive.

    class SignupTest(DjangoWorldMixin, django.test.TestCase):
        def test_welcome(self) -> None:
            self.client.post("/signup", {"email": self.world.address("bob")})
            self.world.wait(subject="Welcome")

Under pytest-django the fixture `django_mail` of the plugin does the same.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.test.utils import override_settings

from postroad_kit.unittest import WorldMixin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_kit.world import World


def email_settings(world: World) -> dict[str, Any]:
    """Return Django's settings for mail through a world's app door."""
    host, port = world.smtp_endpoint
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": world.smtp_user,
        "EMAIL_HOST_PASSWORD": world.smtp_password,
        "EMAIL_USE_TLS": False,
        "EMAIL_USE_SSL": False,
    }


@contextmanager
def mail_through(world: World) -> Iterator[World]:
    """Let Django send through a world."""
    with override_settings(**email_settings(world)):
        yield world


class DjangoWorldMixin(WorldMixin):
    """Gives each test `self.world`, and lets Django send through it; put it in front of Django's own test case."""

    def setUp(self) -> None:
        """Make the world and point Django there."""
        super().setUp()
        self.enterContext(mail_through(self.world))
