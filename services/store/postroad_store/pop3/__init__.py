"""POP3 (RFC 1939) with CAPA (RFC 2449), STLS (RFC 2595) and SASL PLAIN (RFC 5034).

- `commands`: the table of commands, and the grammar of a command line
- `multiline`: multi-line responses: byte-stuffing, also across pieces, and the lines that TOP sends
- `engine`: the state machine, without I/O; it holds the maildrop's snapshot and answers nearly all by itself
- `session`: all that needs the mail: login and lock, reading messages, removing them in the UPDATE state

APOP (RFC 1939 §7) is left out: it hashes the password with a timestamp, so the server must have the password in
plain, and the world's secrets may be scrypt hashes; its MD5 proves little today, and clients use TLS instead.
UTF8 and LANG (RFC 6856) are left out too: RETR sends what was stored, in whatever charset.
"""
