"""copy (RFC 3894): fileinto and redirect that leave the implicit keep."""

from __future__ import annotations

from postroad_store.sieve.spec import Extension, Tagged

_COPY = Tagged(":copy", effect=lambda _run, _value: {"copy": True})

EXTENSION = Extension("copy", tagged={"fileinto": (_COPY,), "redirect": (_COPY,)})
