"""One message's road, hop by hop, from the journals of all services: `postroad trace ID`.

The ID is a Message-ID, with or without its angle brackets, or a queue ID of any service in either case. `finding` says
which events belong to one message, `printing` how they look, `command` is the program.
"""
