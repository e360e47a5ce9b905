"""`postroad replay FILE HOST:PORT`: play a dialogue against any server, and show how its answers differ.

`dialogue` reads the file, `secrets` has what is in place of names, `connection` is a socket with an observer above it,
which knows when the server has answered, `player` plays, `difference` compares, `command` is the program.
"""
