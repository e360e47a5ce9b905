"""Keeping the mail: check and mend its database (`fsck`), back it up and bring it back, make it smaller.

These are programs of their own, beside the store's process or without it: `python -m postroad_store.keeping`.
"""
