"""Somebody signs up, and gets a code: python -m django test --settings settings.

Django's test runner replaces EMAIL_BACKEND by one that keeps messages in memory; `override_settings` takes it back, so
that the mail goes the way of real mail.
"""

import json
import urllib.request
import uuid

from django.conf import settings
from django.core.mail import send_mail
from django.test import SimpleTestCase, override_settings


def wait_for(**criteria):
    """Return the message that meets the criteria; raises `HTTPError` 408 if it does not come within ten seconds."""
    request = urllib.request.Request(
        f"{settings.POSTROAD}/v1/wait", json.dumps(criteria).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        (message,) = json.load(answer)["messages"]
    return message


def sign_up(address):
    """Stand for the code under test."""
    send_mail("Welcome", "Your code is 493817.", None, [address])


@override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend")
class SignUp(SimpleTestCase):
    def test_the_mail_has_a_code(self):
        # An address of its own for each test, so that tests can run at the same time and nothing needs to be deleted.
        address = f"{uuid.uuid4().hex}@customer.example"
        sign_up(address)
        message = wait_for(recipient=address)
        self.assertEqual(message["subject"], "Welcome")
        self.assertEqual(message["content"]["codes"][0]["value"], "493817")
