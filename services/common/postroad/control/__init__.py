"""Control doors: a small HTTP server in each service, by which the web service reads and steers it.

The mail protocols are the road of mail. A door is the way for what they can't do: the journal as a feed, the queue, the
accounts, the figures. It listens on the service's own address in the private network, is never published, and opens
with a token that `postroad init` makes (`token`).

`door` is the server, of which `gate` and `connection` are parts, and `messages` its requests and responses. `client` is
the other end. `feed` gives the journal by its numbers; `process` and `histogram` are figures that every service has.
"""
