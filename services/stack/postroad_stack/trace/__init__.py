"""One message's road, hop by hop, from the journals of all services: `postroad trace ID`.

The ID is a Message-ID, with or without its angle brackets, or a queue ID of any service in either case. `finding` finds
the events of one message, `printing` prints them, `command` is the program.
"""
