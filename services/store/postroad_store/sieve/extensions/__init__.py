"""The extensions of Sieve, a file each; `postroad_store.sieve.spec` says what one consists of."""
