"""Mail as an app under test sends it: what the console's tests and its pictures show."""

from __future__ import annotations

import struct
import zlib
from email.message import EmailMessage
from typing import NamedTuple

# Another domain, whose only server is not there: mail to it waits.
SLOW = """
[hosts."mx.slow.test"]
address = 99

[domains."slow.test"]
mx = ["10 mx.slow.test"]
accounts = { eve = "e" }
"""


class Mail(NamedTuple):
    """A message and its envelope."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Return an image of one colour with a lighter stripe."""
    lighter = bytes(min(255, channel + 60) for channel in colour)
    rows = b"".join(
        b"\0" + (lighter if height // 3 < row < height // 2 else bytes(colour)) * width for row in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def mail(
    sender: str, to: str, subject: str, text: str, *, envelope: tuple[str, ...] = (), **headers: str
) -> EmailMessage:
    """Return a message; `headers` are further fields, with _ for -."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def sent(message: EmailMessage, sender: str, *recipients: str) -> Mail:
    """Return a message with its envelope."""
    return Mail(sender, recipients, message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


_ORDER = """<!doctype html><html><head><meta charset="utf-8"><style>
body{margin:0;background:#f4f1ea;font:15px/1.55 Georgia,serif;color:#2b2620}
.card{max-width:560px;margin:28px auto;background:#fff;border-radius:14px;overflow:hidden;box-shadow:0 1px 3px #0002}
.card img{display:block;width:100%;height:120px;object-fit:cover}.in{padding:26px 34px}
h1{font-size:24px;margin:0 0 8px}table{width:100%;border-collapse:collapse;margin:18px 0}
td{padding:9px 0;border-bottom:1px solid #eee}td:last-child{text-align:right}
.button{display:inline-block;padding:11px 24px;border-radius:8px;background:#1d5c4a;color:#fff;text-decoration:none}
.small{color:#857d70;font-size:13px}</style></head><body><div class="card"><img src="cid:banner" alt="">
<div class="in"><h1>Thank you, Bob.</h1><p>Your order <b>4711</b> is on its way and should be with you on Saturday.</p>
<table><tr><td>Road atlas, 3rd edition</td><td>€ 24.00</td></tr>
<tr><td>Brass bell for a bicycle</td><td>€ 18.50</td></tr>
<tr><td><b>Total</b></td><td><b>€ 42.50</b></td></tr></table>
<p><a class="button" href="https://shop.example/orders/4711?token=8f2c">Follow your parcel</a></p>
<p class="small">Questions? Just reply to this message.</p></div></div></body></html>"""

_NEWS = """<html><body style="font-family:sans-serif"><img src="https://cdn.news.example/pixel.gif?u=8812"
width="1" height="1">
<h2>Ten roads worth a detour</h2><p><img src="https://cdn.news.example/header.jpg" alt="A road through hills"
width="520"></p>
<p style="display:flex;gap:12px">Spring is near, and so is the season of the open road.</p>
<p><a href="https://news.example/ten-roads">Read on</a> or
<a href="https://news.example/unsubscribe?u=8812">unsubscribe</a>.</p>
</body></html>"""


def order() -> Mail:
    """Return an order with HTML, an embedded image, and two attachments."""
    message = mail(
        "Corner Shop <orders@shop.example>",
        "Bob Builder <bob@beta.test>",
        "Your order 4711 is on its way",
        "Thank you, Bob.\n\nYour order 4711 is on its way:\nhttps://shop.example/orders/4711?token=8f2c\n",
        Message_ID="<order-4711@shop.example>",
        X_Tags="orders, eu",
        Reply_To="help@shop.example",
    )
    message.add_alternative(_ORDER, subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    html.add_related(png(64, 24, (29, 92, 74)), "image", "png", cid="<banner>")  # type: ignore[union-attr]
    message.add_attachment(
        b"%PDF-1.4\n%%EOF\n" + b"0" * 18_000, maintype="application", subtype="pdf", filename="invoice-4711.pdf"
    )
    message.add_attachment(png(320, 200, (190, 120, 40)), maintype="image", subtype="png", filename="bell.png")
    return sent(message, "orders@shop.example", "bob@beta.test")


def news() -> Mail:
    """Return a newsletter with remote images, and a way to unsubscribe."""
    message = mail(
        "Open Road Weekly <news@news.example>",
        "carol@alpha.test",
        "Ten roads worth a detour",
        "Ten roads worth a detour: https://news.example/ten-roads",
        List_Unsubscribe="<https://news.example/unsubscribe?u=8812>, <mailto:leave@news.example>",
        List_Unsubscribe_Post="List-Unsubscribe=One-Click",
        List_Id="<weekly.news.example>",
    )
    message.add_alternative(_NEWS, subtype="html")
    return sent(message, "bounces@news.example", "carol@alpha.test")


def thread() -> list[Mail]:
    """Return a question, its answer, and thanks."""
    first = mail(
        "Alice Liddell <alice@alpha.test>",
        "Bob Builder <bob@beta.test>",
        "Bridge over the Wey",
        "Bob,\n\ncan the bridge carry a post van by May?\n\nAlice\n",
        Message_ID="<bridge-1@alpha.test>",
    )
    second = mail(
        "Bob Builder <bob@beta.test>",
        "Alice Liddell <alice@alpha.test>",
        "Re: Bridge over the Wey",
        "By April, if the river lets us.\n\n> can the bridge carry a post van by May?\n",
        Message_ID="<bridge-2@beta.test>",
        In_Reply_To="<bridge-1@alpha.test>",
        References="<bridge-1@alpha.test>",
    )
    third = mail(
        "Alice Liddell <alice@alpha.test>",
        "Bob Builder <bob@beta.test>",
        "Re: Bridge over the Wey",
        "Splendid. The first van will bring cake.\n",
        Message_ID="<bridge-3@alpha.test>",
        In_Reply_To="<bridge-2@beta.test>",
        References="<bridge-1@alpha.test> <bridge-2@beta.test>",
    )
    bob, alice = "bob@beta.test", "alice@alpha.test"
    return [sent(first, alice, bob), sent(second, bob, alice), sent(third, alice, bob)]


def plain(number: int) -> Mail:
    """Return one of many: a short message of text."""
    who = ("bob@beta.test", "dave@beta.test", "alice@alpha.test", "carol@alpha.test")[number % 4]
    what = ("Build passed", "Invoice", "Welcome aboard", "Weekly figures", "Password changed", "A note")[number % 6]
    name = ("Ci", "Billing", "Onboarding", "Reports", "Security", "Ann Other")[number % 6]
    text = f"Hello,\n\nthis is note {number} of many. It says nothing of weight, but says it politely.\n"
    message = mail(f"{name} <{name.lower().replace(' ', '.')}@app.example>", who, f"{what} #{number}", text)
    return sent(message, "app@app.example", who)


def plain_to(address: str) -> Mail:
    """Return a short message of text to one address."""
    return sent(mail("Ann Other <ann@app.example>", address, "A note", "Hello.\n"), "app@app.example", address)


def everything() -> list[Mail]:
    """Return one of each kind, in the order in which they are to arrive."""
    code = mail(
        "Acme Login <no-reply@acme.example>",
        "dave@beta.test",
        "482913 is your Acme code",
        "Your verification code is 482913. It expires in 10 minutes.\n\nIf you did not ask for it, "
        "change your password: https://acme.example/security\n",
        X_Tags="login",
    )
    bounced = mail("Alice Liddell <alice@alpha.test>", "nobody@beta.test", "Are you there?", "Anybody?\n")
    captured = mail(
        "Corner Shop <orders@shop.example>",
        "Erin <erin@elsewhere.example>",
        "Welcome to Corner Shop",
        "We are glad that you are here.\n",
        X_Tags="onboarding",
    )
    waiting = mail(
        "Corner Shop <orders@shop.example>",
        "eve@slow.test",
        "Your parcel waits at the border",
        "It will come as soon as somebody opens.\n",
    )
    many = mail(
        "Alice Liddell <alice@alpha.test>",
        "team@alpha.test, sales@beta.test",
        "Quarterly figures",
        "Find them attached.\n",
        Cc="dave@beta.test",
    )
    many.add_attachment("quarter,parcels,vans\nQ1,18220,14\nQ2,20114,15\n", subtype="csv", filename="figures.csv")
    far = mail("Дарья Волкова <darya@почта.example>", "bob@beta.test", "Привет из Ярославля", "Дорога длинная.\n")
    return [
        *(plain(number) for number in range(18)),
        *thread(),
        sent(bounced, "alice@alpha.test", "nobody@beta.test"),
        sent(captured, "orders@shop.example", "erin@elsewhere.example"),
        sent(waiting, "orders@shop.example", "eve@slow.test"),
        sent(many, "alice@alpha.test", "team@alpha.test", "sales@beta.test", "dave@beta.test"),
        sent(far, "darya@example.org", "bob@beta.test"),
        news(),
        sent(code, "no-reply@acme.example", "dave@beta.test"),
        order(),
    ]
