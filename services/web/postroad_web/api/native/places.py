"""Paths with logins and names of mailboxes in them, which may have slashes.

Starlette matches the decoded path, so it can't tell `%2F` from `/`. A login ends with its domain; a mailbox's name is
followed by a word that no client gives it.
"""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class _Login(Convertor[str]):
    regex = r".+@[^/@]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("login", _Login())

ACCOUNT = "/v1/accounts/{login:login}"
MAILBOX = f"{ACCOUNT}/mailboxes/{{mailbox:path}}"
