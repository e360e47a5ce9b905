"""Sends a letter with Django's own backend, of which only host and port are set."""

import sys

from django.conf import settings
from django.core.mail import send_mail

host, port, recipient = sys.argv[1:]
settings.configure(EMAIL_HOST=host, EMAIL_PORT=int(port))
assert send_mail("By Django", "Your order has been shipped.\n", "noreply@shop.example", [recipient]) == 1
