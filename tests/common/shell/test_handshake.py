"""Why a handshake has failed, as an administrator wants to read it."""

from __future__ import annotations

import logging
import ssl

import pytest
from OpenSSL import SSL

from postroad.shell import handshake

TRUST = "the client does not trust the CA; give the client the CA: make ca"
NOT_TAKEN = "the certificate is not taken; give the client the CA: make ca"


def ssl_error(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] {reason} (_ssl.c:1006)")
    if reason is not None:
        error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ssl_error("TLSV1_ALERT_UNKNOWN_CA"), f"{TRUST} [tlsv1 alert unknown ca]"),
        (SSL.Error([("SSL routines", "", "tlsv1 alert unknown ca")]), f"{TRUST} [tlsv1 alert unknown ca]"),
        (
            ssl_error("SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
            "the certificate is not taken; give the client the CA: make ca [sslv3 alert certificate unknown]",
        ),
        (SSL.Error([("SSL routines", "", "http request")]), "the client speaks HTTP [http request]"),
        (ssl_error("WRONG_VERSION_NUMBER"), "the client does not speak TLS [wrong version number]"),
        (SSL.Error([("SSL routines", "", "something new")]), "something new"),
        (
            OSError("ALERT_CERTIFICATE_EXPIRED"),
            "the client takes the certificate for expired: compare the clocks, or run init [ALERT_CERTIFICATE_EXPIRED]",
        ),
        (SSL.Error([]), "Error"),
        (SSL.Error(), "Error"),
        (ConnectionResetError(104, "reset"), handshake.CLOSED),
        (EOFError(), handshake.CLOSED),
        (None, handshake.CLOSED),
        (TimeoutError(), handshake.TOO_SLOW),
        (OSError(113, "No route to host"), "[Errno 113] No route to host"),
    ],
)
def test_reason(error: BaseException | None, reason: str) -> None:
    assert handshake.reason(error) == reason


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("tlsv1 alert unknown ca", TRUST),
        ("tlsv13 alert bad certificate", NOT_TAKEN),
        ("sslv3 alert certificate unknown", NOT_TAKEN),
        (
            "sslv3 alert certificate expired",
            "the client takes the certificate for expired: compare the clocks, or run init",
        ),
        ("http request", "the client speaks HTTP"),
        ("wrong version number", "the client does not speak TLS"),
        ("packet length too long", "the client does not speak TLS"),
        ("record layer failure", "the client does not speak TLS"),
        ("unexpected eof while reading", handshake.CLOSED),
        ("unsupported protocol", "the client speaks no version of TLS from 1.2 on"),
        ("no application protocol", "the client has come for another protocol (ALPN)"),
        ("no shared cipher", "client and server have no cipher suite in common"),
    ],
)
def test_what_the_libraries_say_and_what_it_means(words: str, meaning: str) -> None:
    for error in (ssl_error(words.upper().replace(" ", "_")), SSL.Error([("SSL routines", "", words)])):
        assert handshake.reason(error) == f"{meaning} [{words}]"
    assert (handshake.CLOSED, handshake.TOO_SLOW) == ("the client closed the connection", "the client took too long")


def test_an_error_without_words_has_its_name() -> None:
    assert handshake.reason(OSError()) == "OSError"


def test_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    handshake.log(logging.getLogger("test"), handshake.CLOSED, peer="192.0.2.1", port=993)
    (record,) = caplog.records
    assert record.getMessage() == "TLS handshake failed: the client closed the connection"
    assert (vars(record)["peer"], vars(record)["port"]) == ("192.0.2.1", 993)
