"""SEARCH (RFC 3501 §6.4.4): which messages of a view match.

- `key`: a search key; `keys`: all of them, each with its words on the wire and the messages that it matches
- `evaluate`: the evaluation of a tree of keys
- `pacer`: how searches share the event loop
- `fieldtext`: one header field of all messages, kept as one string
- `addresstext`: the addresses of an ENVELOPE as text
- `longtext`: the text of a long message, made piece by piece
"""
