"""A stack that tests start themselves and share: as processes of this virtual environment, or as containers.

`shared` is for all: each test process holds a lock on one file, and the stack ends when the last lock is gone, also
when a run is killed. `processes` and `containers` say how a stack is started.
"""
