"""The rules of a shell: the code that carries octets between a socket and an engine that does no I/O.

Postroad has two: `postroad.smtp.server.connection` on asyncio, and `postroad_store.protocol.connection` on Twisted.
They differ in their engines and transports. Clients see the same behaviour of both. It is written here once, and the
same tests check both (`tests/common/shell/test_rules.py`).

- *Pump.* Octets go to the engine as they come. Events are carried out one by one, until the engine needs more octets
  or an event has to be awaited. Meanwhile no further event is taken, so replies keep the order of the
  commands.
- *Back-pressure, out.* No event is taken while the transport holds octets that the client has not read.
- *Back-pressure, in.* While an event is awaited or the client does not read, a bounded amount of input is taken; then
  reading stops until the shell goes on.
- *Pieces.* A client that writes a command in pieces may hold the next one back until the last one is acknowledged
  (Nagle's algorithm), as Python's imaplib does behind the literal of an APPEND. The kernel would wait 40 ms for a reply
  that takes the acknowledgement along. So octets that complete nothing are acknowledged at once (`acknowledge`).
- *Half-close.* A client that closes its side will send no more (RFC 5321 §4.1.1.5; `printf … | nc`). Its commands are
  carried out and answered, then the connection is closed.
- *Deadlines* (`deadline`). One timer per connection. Silence of the client ends the session, but not while the client
  waits for the server. A TLS handshake has `HANDSHAKE` seconds.
- *Farewell.* If the server ends a session, it says so in the words of the protocol. When the service stops, commands
  that are under way are finished and answered first.
- *Linger.* A connection that is being closed has `LINGER` seconds to deliver its last octets, then it is cut off.
- *Loss.* If a client goes away, its session ends, but the work that is under way is finished: no commit is cut in two.
- *Limits* (`admission`). Connections are counted from the first moment, TLS handshakes included. If there are too many,
  those that have proved nothing are closed first.
- *TLS.* Octets that came in plaintext are forgotten at STARTTLS. A handshake that fails is one line in the log
  (`handshake`).
- *Crashes.* If the handling of an event crashes, the client gets a temporary error. If an engine crashes, its
  connection ends, and no other.
- *Tap* (`postroad.tap`). A listener, if one is attached, sees every octet in and out: incoming ones before the engine
  gets them, outgoing ones when the transport gets them.
- *Clock* (`postroad.clock`). All of these times go by one clock, which a test can push.
"""

HANDSHAKE = 30.0  # seconds for a TLS handshake
LINGER = 10.0  # seconds in which a closing connection may deliver its last octets
