"""Why a TLS handshake has failed, in words that lead to the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

# Words in a library's error (RFC 8446 §6.2 has the alerts), and what they mean to an administrator who reads the log.
_MEANINGS = (
    ("alert unknown ca", "the client does not trust the CA; give the client the CA: make ca"),
    ("alert bad certificate", "the certificate is not taken; give the client the CA: make ca"),
    ("alert certificate unknown", "the certificate is not taken; give the client the CA: make ca"),
    ("alert certificate expired", "the client takes the certificate for expired: compare the clocks, or run init"),
    ("http request", "the client speaks HTTP"),
    ("wrong version number", "the client does not speak TLS"),
    ("packet length too long", "the client does not speak TLS"),
    ("record layer failure", "the client does not speak TLS"),
    ("unexpected eof", "the client closed the connection"),
    ("unsupported protocol", "the client speaks no version of TLS from 1.2 on"),
    ("no application protocol", "the client has come for another protocol (ALPN)"),
    ("no shared cipher", "client and server have no cipher suite in common"),
)
CLOSED = "the client closed the connection"
TOO_SLOW = "the client took too long"


def reason(error: BaseException | None) -> str:
    """Return the reason for a log line, given the error that ended a handshake; None: the connection was closed."""
    if error is None or isinstance(error, EOFError | ConnectionError):
        return CLOSED
    if isinstance(error, TimeoutError):
        return TOO_SLOW
    said = _said(error)
    words = said.lower().replace("_", " ")
    meaning = next((meaning for words_of_it, meaning in _MEANINGS if words_of_it in words), None)
    return said if meaning is None else f"{meaning} [{said}]"


def _said(error: BaseException) -> str:
    """Return the library's own words: `ssl.SSLError` has a reason, pyOpenSSL's error a list of them."""
    name = getattr(error, "reason", None)
    if isinstance(name, str):
        return name.lower().replace("_", " ")
    details = error.args[0] if error.args else None
    if isinstance(details, list):
        return str(details[-1][-1]) if details else type(error).__name__
    return str(error) or type(error).__name__


def log(logger: logging.Logger, why: str, **of_session: object) -> None:
    """Log that a handshake has failed; `of_session` are its fields, such as peer and port."""
    logger.info("TLS handshake failed: %s", why, extra=of_session)
