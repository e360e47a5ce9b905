"""The one SMTP receiver (RFC 5321), on aiosmtpd: relay and store answer the network through it.

`service.py` is what a service decides; `engine.py` is the protocol, without I/O, and `verbs.py` its commands;
`connection.py` drives the engine under aiosmtpd's connection handling; `receiver.py` carries its events out;
`server.py` has the one way to start it:

    from postroad.smtp.extensions import EXTENSIONS
    from postroad.smtp.server.server import serve
    from postroad.smtp.server.service import Limits, Listener, Purpose

    server = await serve(
        service,                                                  # a Service
        [Listener("127.0.0.25", 587, Purpose.SUBMISSION), ...],
        hostname="relay.example",                                 # in greeting, EHLO, 221 and 421
        content_directory=data / "spool" / "incoming",            # large contents, as they arrive (Content)
        extensions=EXTENSIONS,                                    # or without({"SIZE"}), to hide some
        limits=Limits(),
        tls=context,                                              # None: neither STARTTLS nor port 465
        plaintext_auth=False,                                     # AUTH without TLS
        postmaster=Address("postmaster", "alpha.test"),           # what RCPT TO:<Postmaster> means
    )
    server.listeners                                              # with the ports that were bound
    await server.close()                                          # 421 to idle sessions; transactions finish

AUTH is offered on submission ports and on the app door, which takes every name at its word.

To follow one command, such as RCPT: `connection.data_received` feeds the engine; `Engine._take` finds the verb, holds
the line to its length and to its row in the table of states, and calls `verbs._rcpt`, which has `commands.parse_rcpt`
read path and parameters and returns the event `Rcpt`; `receiver._carry_out` asks the `Service`, and gives its reply to
`Engine.answer`, which makes the recipient one of the envelope's and says the reply.

This package imports nothing by itself: the extensions use its grammar on the client's side too, and a client should
not load a server.
"""
