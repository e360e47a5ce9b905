"""The one SMTP receiver (RFC 5321), on aiosmtpd: relay and store answer the network through it.

`service.py` is what a service decides; `engine.py` is the protocol, without I/O; `protocol.py` drives the
engine under aiosmtpd's connection handling.
"""
