"""The SMTP client: `engine.py` is the protocol without I/O, `session.py` puts a socket, TLS and a clock under it."""
