"""SMTP (RFC 5321): the receiver and the client."""
