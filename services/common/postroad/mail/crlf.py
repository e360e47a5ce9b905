"""Line ends of messages that are stored as a client sends them."""


def with_crlf(octets: bytes) -> bytes:
    """Return the message with CRLF alone as line end (RFC 5322 §2.1).

    Clients that send what their files hold mean it so, and Dovecot reads it so too.
    """
    if octets.count(b"\n") != octets.count(b"\r\n"):
        return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return octets
