"""Sieve (RFC 5228), the language in which a user says what happens to arriving mail. All of it is pure.

- `lexer`, `parser`: octets to a tree (`syntax`), by the grammar of RFC 5228 §8
- `compiler`: the tree to a `program`, checked against `require` and against what each command declares (`spec`)
- `run`: a program and a message (`message`) to a list of actions (`actions`); `matching` and `comparators` help
- `extensions/`: a file for each; `registry` derives from them all commands, tests, tags and the capability string
- `letters`: the messages that actions make: vacation responses, refusals
- `limits`: what one script may cost

Nothing here reads a clock, a file or a database: `run.Surroundings` tells what a script may ask for.
"""
