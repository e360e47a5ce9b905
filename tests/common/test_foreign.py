from __future__ import annotations

from postroad.foreign import HTTP_METHODS


def test_methods_of_http() -> None:
    # RFC 9110 §9.1, RFC 5789 §2, RFC 9113 §3.4
    words = b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI"
    assert sorted(words.split()) == sorted(HTTP_METHODS)
