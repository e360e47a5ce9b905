"""index (RFC 5260 §6): test one of several header fields of a name."""

from __future__ import annotations

from postroad_store.sieve.spec import Extension, Kind, Tagged

TAGS = (
    # RFC 5260 §6: "beginning at 1, the first named header field"
    Tagged(":index", Kind.NUMBER, effect=lambda _run, value: {"index": value}, least=1),
    # RFC 5260 §6: "Specifying :last without :index is an error."
    Tagged(":last", effect=lambda _run, _value: {"last": True}, with_tag=":index"),
)

EXTENSION = Extension("index", tagged={"header": TAGS, "address": TAGS, "date": TAGS})
