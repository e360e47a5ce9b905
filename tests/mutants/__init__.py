"""Mutants: small changes of the engines that some test must notice. `make mutants` tries a sample of them.

`changes` makes the mutants of a source text. `trials` runs the tests that cover a mutant's line, in a forked process
that imports the changed module. A mutant that survives because it does the same as the original is listed in
`equivalent/`, a file per module (`listed`).
"""
