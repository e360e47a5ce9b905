"""Sends a letter with Python's smtplib."""

import smtplib
import sys
from email.message import EmailMessage

host, port, recipient = sys.argv[1:]
message = EmailMessage()
message["From"], message["To"], message["Subject"] = "noreply@shop.example", recipient, "By smtplib"
message.set_content("Your order has been shipped.\n")
with smtplib.SMTP(host, int(port)) as server:
    server.send_message(message)
