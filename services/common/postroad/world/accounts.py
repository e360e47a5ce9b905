"""The accounts of a world file: `alice = "wonderland"`, or a table with more than the password.

    [domains."alpha.test".accounts.alice]
    password = "wonderland"
    tokens = ["ya29.a0", { token = "ya29.b1", scope = "imap smtp", expires = 2030-01-01T00:00:00Z }]
    sieve = 'require "fileinto"; if header :contains "list-id" "x" { fileinto "Archive"; }'
    append_limits = { Drafts = "10K", Archive = 0 }

A token is an OAuth access token that a client may show instead of the password (`postroad.sasl.oauth`). Without `scope`
it is for everything, without `expires` for ever. The Sieve script is in force while the account has no active one of
its own; the store says in its log and journal what is wrong with it. An append limit is the size of the largest message
that IMAP clients may put into that mailbox (RFC 7889).
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from postroad.measures import size
from postroad.sasl.token import B64TOKEN, LONGEST, Grant, digest, scopes_of
from postroad.value import value
from postroad.world.quota import Quota, parse_quota
from postroad.world.secret import SecretError, check_secret, form_of
from postroad.world.world import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postroad.mail.address import Address
    from postroad.world.toml_lines import KeyPath


_KEYS = ("password", "imap_without", "quota", "sieve", "append_limits", "tokens")


@value
class ReadError:
    """One error at a key. "{line}" in the sentence is replaced by the line of `other`."""

    at: KeyPath
    sentence: str
    other: KeyPath = ()


class AccountReader:
    """Reads one account after another; `tokens` and `forms` are those of all, and errors go to `errors`."""

    def __init__(self, errors: list[ReadError], hidden: Callable[[KeyPath, Any], frozenset[str]]) -> None:
        self.tokens: dict[str, Grant] = {}  # by digest
        self.forms: set[str] = set()  # of the secrets
        self._errors = errors
        self._hidden = hidden  # reads names of IMAP's capabilities
        self._places: dict[str, KeyPath] = {}  # of the tokens, by digest

    def read(self, at: KeyPath, address: Address, written: Any, hidden: frozenset[str]) -> Account | None:
        """Return the account, None after an error that leaves nothing of it; `hidden` is so from its whole domain."""
        if isinstance(written, str):
            return Account(address, self._secret(at, address, written), hidden)
        if not isinstance(written, dict):
            self._error(at, f"the password of {address} must be a string, or a table with it")
            return None
        for key in written.keys() - set(_KEYS):
            self._error((*at, key), f"unknown key {key!r}: an account has {', '.join(_KEYS)}")
        own = self._hidden((*at, "imap_without"), written.get("imap_without", []))
        quota = self._quota((*at, "quota"), address, written.get("quota"))
        script = written.get("sieve", "")
        if not isinstance(script, str):
            self._error((*at, "sieve"), f"the script of {address} must be a string")
            script = ""
        limits = MappingProxyType(dict(self._append_limits((*at, "append_limits"), written.get("append_limits", {}))))
        account = Account(address, self._password(at, address, written), hidden | own, quota, script, limits)
        tokens = written.get("tokens", [])
        if not isinstance(tokens, list):
            self._error((*at, "tokens"), f"the tokens of {address} must be a list of strings or of tables")
            return account
        for index, token in enumerate(tokens):
            self._token((*at, "tokens", index), account, {"token": token} if isinstance(token, str) else token)
        return account

    def _error(self, at: KeyPath, sentence: str, other: KeyPath = ()) -> None:
        self._errors.append(ReadError(at, sentence, other))

    def _password(self, at: KeyPath, address: Address, table: Mapping[str, Any]) -> str:
        password = table.get("password", "")
        if not isinstance(password, str):
            self._error((*at, "password"), f"the password of {address} must be a string")
        elif "password" in table:
            return self._secret((*at, "password"), address, password)
        elif "tokens" not in table:
            self._error(at, f"{address} has neither a password nor tokens, so nobody could log in")
        return ""

    def _quota(self, at: KeyPath, address: Address, value: Any) -> Quota | None:
        if value is None:
            return None
        try:
            return parse_quota(value if isinstance(value, str) else "?")
        except ValueError as error:
            self._error(at, f"the quota of {address} {error}")
            return None

    def _append_limits(self, at: KeyPath, value: Any) -> Iterator[tuple[str, int]]:
        if not isinstance(value, dict):
            self._error(at, "append_limits must be a table of mailboxes and sizes")
            return
        for name, limit in value.items():
            written = str(limit)
            try:
                octets = 0 if written == "0" else size(written)
            except ValueError:
                self._error((*at, name), f"the append limit of {name} must be 0, or a size such as 10K")
                continue
            yield "INBOX" if name.upper() == "INBOX" else name, octets

    def _secret(self, at: KeyPath, address: Address, secret: str) -> str:
        try:
            check_secret(secret)
        except SecretError as error:
            self._error(at, f"the password of {address} is of no use: {error}")
        else:
            self.forms.add(form_of(secret))
        return secret

    def _token(self, at: KeyPath, account: Account, table: Any) -> None:
        who = f"a token of {account.address}"
        if not isinstance(table, dict) or not isinstance(token := table.get("token"), str):
            self._error(at, f"{who} must be a string, or a table with token, scope and expires")
            return
        for key in table.keys() - {"token", "scope", "expires"}:
            self._error((*at, key), f"unknown key {key!r}: a token has token, scope, expires")
        if not B64TOKEN.match(token) or len(token) > LONGEST:
            said = f"has letters, digits and -._~+/ alone, then perhaps =, and up to {LONGEST} of them (RFC 6750 §2.1)"
            self._error(at, f"{who} {said}")
        scope, expires = table.get("scope", "mail"), table.get("expires")
        scopes: frozenset[str] = frozenset()
        try:
            scopes = scopes_of(scope.split() if isinstance(scope, str) else [])
        except ValueError as error:
            self._error((*at, "scope"), str(error))
        if expires is not None and (not isinstance(expires, datetime) or expires.tzinfo is None):
            self._error((*at, "expires"), "expires is a time with its zone, such as 2030-01-01T00:00:00Z")
            expires = None
        key = digest(token)
        if key in self._places:
            self._error(at, f"{who} is the same as the one on {{line}}", self._places[key])
        self._places[key] = at
        self.tokens[key] = Grant(account.login, scopes, None if expires is None else expires.timestamp())
