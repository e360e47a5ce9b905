"""Django, with its own test case, and with pytest and the fixture `django_mail`."""

from __future__ import annotations

import django
import django.test
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, send_mail

from postroad_kit import World
from postroad_kit.django import DjangoWorldMixin

if not settings.configured:
    settings.configure(DEFAULT_FROM_EMAIL="shop@shop.test", USE_TZ=True)
    django.setup()


def welcome(address: str) -> None:
    """Stand for a view that writes to somebody who has signed up."""
    message = EmailMultiAlternatives("Welcome", "Hello!", None, [address])
    message.attach_alternative('<a href="https://shop.example/go">Start here</a>', "text/html")
    message.send()


class SignupTest(DjangoWorldMixin, django.test.SimpleTestCase):
    def test_welcome(self) -> None:
        bob = self.world.account("bob")
        welcome(bob.address)
        self.assertEqual(bob.wait(subject="Welcome").link("Start"), "https://shop.example/go")


def test_reset(django_mail: World) -> None:
    bob = django_mail.account("bob")
    send_mail("Your password", "The code is 482913.", None, [bob.address])
    assert bob.wait().code() == "482913"
