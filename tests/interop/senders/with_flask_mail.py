"""Sends a letter with Flask-Mail."""

import sys

from flask import Flask
from flask_mail import Mail, Message

host, port, recipient = sys.argv[1:]
app = Flask("shop")
app.config.update(MAIL_SERVER=host, MAIL_PORT=int(port))
with app.app_context():
    Mail(app).send(
        Message("By Flask-Mail", [recipient], "Your order has been shipped.\n", sender="noreply@shop.example")
    )
