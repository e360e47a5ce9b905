"""Signs that a client speaks another protocol.

A web page can make a browser send an HTTP request, with any octets in its body, to any port. If each line were refused
by itself, the lines of the body would be carried out as commands. So SMTP, POP3, IMAP and ManageSieve end a session at
the first line of a request.
"""

# RFC 9110 §9 and RFC 5789 §2, case sensitive; RFC 9113 §3.4: PRI begins HTTP/2
HTTP_METHODS = frozenset(
    {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI"}
)
