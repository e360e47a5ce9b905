"""The vocabulary that Postroad's services share: the world, addresses, envelopes, replies, the SMTP receiver.

Nothing here knows which service uses it. Code comes here only when a second service needs it.
"""
