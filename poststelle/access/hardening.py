"""Hardening: what a process that holds keys does first, so that its memory stays its own."""

import contextlib

_PR_SET_DUMPABLE = 4


def harden_process() -> None:
    """Keep keys out of core dumps and other processes' reach: not dumpable, no core file."""
    import ctypes
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
