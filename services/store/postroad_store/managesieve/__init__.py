"""ManageSieve (RFC 5804): a user's Sieve scripts, put, listed, read and activated from afar.

- `framing`: octets to tokens: atoms, numbers, quoted strings and literals
- `commands`: the table of commands: in which state each is legal, and its arguments
- `responses`: strings and the lines of responses, as octets
- `engine`: the state machine, without I/O
- `session`: all that needs the scripts or an account
"""
