"""SASL (RFC 4422) for SMTP (RFC 4954), IMAP (RFC 3501 §6.2.2, RFC 4959) and POP3 (RFC 5034), without I/O.

A mechanism is a file: it says when it is offered (`offer`) and makes exchanges (`mechanism`). An exchange ends in a
`Claim`: who the client says that it is, and its proof. `world.guesses` checks claims, all alike. Each protocol has its
own form for challenges and responses on the wire; all three write them in BASE64, which `decode_response` reads.

    server        what one service offers: CHECKED, or UNCHECKED where any name is taken at its word (the app door)
    mechanism     exchange, claim, context, errors, BASE64
    offer         the rules by which a mechanism is offered
    channel       what TLS knows: channel bindings, the client's certificate
    plain login cram_md5 scram oauth external    the mechanisms
    password digest token scram_hash saslprep    what their proofs are made of
"""
