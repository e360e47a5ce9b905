"""Records of the tests of Mailpit's dialect."""

from __future__ import annotations

from postroad_web.catalog.record import Address, Digest, RecipientState, Record

ARRIVED = 1764138000.25

DIGEST = Digest(
    subject="Your order",
    from_=(Address("Shop", "shop@alpha.test"), Address("", "second@alpha.test")),
    to=(Address("Bob", "Bob@beta.test"),),
    cc=(Address("", "carol@alpha.test"),),
    bcc=(Address("", "blind@beta.test"),),
    reply_to=(Address("", "help@alpha.test"),),
    date=1764137999.0,
    snippet="Thank you…",
    attachments=2,
    inline=1,
    tags=("order",),
)

RECORD = Record(
    id="00056A1B2C3D4",
    number=7,
    arrived=ARRIVED,
    sender="bounces@alpha.test",
    recipients=tuple(
        map(
            RecipientState,
            ("bob@beta.test", "carol@alpha.test", "blind@beta.test", "hidden@gamma.test", "Hidden@gamma.test"),
        )
    ),
    message_id="<1@alpha.test>",
    size=500,
    login="alice",
    digest=DIGEST,
    tags=("order", "shop"),
)

BARE = Record(id="00056A1B2C3D5", number=8, arrived=ARRIVED)
