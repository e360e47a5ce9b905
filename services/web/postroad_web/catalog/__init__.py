"""The catalog: one record per mail transaction that came in, folded from the journals and the mail itself."""
