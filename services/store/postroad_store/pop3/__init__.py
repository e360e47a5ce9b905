"""POP3 (RFC 1939) with CAPA (RFC 2449), STLS (RFC 2595), SASL (RFC 5034), APOP, UTF8 and LANG (RFC 6856).

- `commands`: the table of commands, and the grammar of a command line
- `capabilities`: what CAPA lists, and what is left where some of it is hidden
- `languages`, `utf8`: the languages of the responses, and the messages that need UTF-8
- `multiline`: multi-line responses: byte-stuffing, also across pieces, and the lines that TOP sends
- `engine`: the state machine, without I/O; it holds the maildrop's snapshot and answers nearly all by itself
- `session`: all that needs the mail: login and lock, reading messages, removing them in the UPDATE state
"""
