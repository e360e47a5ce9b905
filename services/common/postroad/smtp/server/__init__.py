"""The one SMTP receiver (RFC 5321), on aiosmtpd: relay and store answer the network through it.

`service.py` is what a service decides; `engine.py` is the protocol, without I/O; `protocol.py` drives the
engine under aiosmtpd's connection handling; `server.py` has the one way to start it:

    from postroad.smtp.server.server import serve

    server = await serve(
        service,                                                  # a Service
        [Listener("127.0.0.25", 587, Purpose.SUBMISSION), ...],
        hostname="relay.example",                                 # in greeting, EHLO, 221 and 421
        content_directory=data / "spool" / "incoming",            # large contents, as they arrive (Content)
        limits=Limits(),
        tls=context,                                              # None: neither STARTTLS nor port 465
        plaintext_auth=False,                                     # AUTH without TLS
        postmaster=Address("postmaster", "alpha.test"),           # what RCPT TO:<Postmaster> means
    )
    server.listeners                                              # with the ports that were bound
    await server.close()                                          # 421 to idle sessions; transactions finish

AUTH is offered on submission ports alone.
"""
