"""The rules of a shell: what carries octets between a socket and an engine that does no I/O.

Postroad has two: `postroad.smtp.server.connection` on asyncio, and `postroad_store.protocol.connection` on Twisted.
They differ in their engines and transports. What a client can see of a shell is the same in both, is written here
once, and is tested on both by the same tests (`tests/common/shell/test_rules.py`).

- *Pump.* Octets go to the engine as they come. Events are carried out one by one, until the engine needs more octets
  or an event has to be awaited. While it is awaited no further event is taken, so replies keep the order of the
  commands.
- *Back-pressure, out.* No event is taken while the transport holds what the client has not read.
- *Back-pressure, in.* While an event is awaited or the client does not read, a bounded amount of input is taken, and
  then reading stops until the shell goes on.
- *Half-close.* A client that closes its side has said all that it wants to say (RFC 5321 §4.1.1.5; `printf … | nc`):
  what it sent is carried out and answered, then the connection is closed.
- *Deadlines* (`deadline`). One timer per connection. Silence ends the session; the time in which the client waits for
  us is not silence. A TLS handshake has `HANDSHAKE` seconds.
- *Farewell.* A session that the server ends is told so, as its protocol has it. When the service stops, what is under
  way is finished and answered first.
- *Linger.* A connection that is being closed has `LINGER` seconds to deliver its last octets, then it is cut off.
- *Loss.* A client that goes away ends its session, not the work that is under way: no commit is cut in two.
- *Limits* (`admission`). Connections are counted from the first moment, TLS handshakes included. Where there are too
  many, those that have proved nothing go first.
- *TLS.* Nothing that came in plaintext is left after STARTTLS. A handshake that fails is one line in the log
  (`handshake`).
- *Crashes.* An event whose handling crashes is answered as a temporary error; an engine that crashes ends its
  connection, and no other.
- *Tap* (`postroad.tap`). A listener, where one is attached, sees every octet in and out: what came before the engine
  has it, what goes as it is handed to the transport.
- *Clock* (`postroad.clock`). All of these times go by one clock, which a test can push.
"""

HANDSHAKE = 30.0  # seconds for a TLS handshake
LINGER = 10.0  # seconds in which a closing connection may deliver its last octets
