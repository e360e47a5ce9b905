"""The substring index: which messages may have a text in them, known without reading them.

It is a file of its own beside the mail, made behind delivery. It only narrows down what a search reads, so what is
found is the same with it, without it, and while it is being made. It may be removed whenever the store does not run.
"""
