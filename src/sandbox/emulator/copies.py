"""Serves from copies of a process that is ready, so that a reset costs a fork.

Moto takes seconds to make an account anew (managed policies, a default VPC, images); a copy of a
process that has made one takes milliseconds. And what moto holds at some moment cannot be saved
part by part (it has threads and locks), yet a copy of the whole process holds all of it.
"""

import os
import random
import signal
import stat
import threading

# How a copy ends after which another is made, and one whose own copy goes on in its stead.
RESET, SAVED = 75, 76

possible = hasattr(os, "fork")
_lifeline = None
_alive = None


def run(serve):
    """Calls `serve` in a copy of this process, and in another each time that one is reset.

    This process must have no other thread. Does not return: it ends as the last copy does, and
    a copy ends when this process does.
    """
    global _lifeline, _alive
    _lifeline, held = os.pipe()
    dying, _alive = os.pipe()
    _copy(serve, held)
    # Another process makes the copies now: this one waits until all are gone.
    os.close(_alive)
    os.read(dying, 1)
    os._exit(0)


def _copy(serve, held=None):
    """Makes copies until one ends in another way than by a reset; returns where one was saved."""
    while True:
        process = os.fork()
        if process == 0:
            if held is not None:
                os.close(held)
            _begin(serve)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if code == SAVED:
            return
        if code != RESET:
            os._exit(code if code >= 0 else 1)


def _begin(serve):
    from moto.moto_api._internal import mock_random

    # Or every copy would make the same ids.
    mock_random.seed()
    random.seed()
    threading.Thread(target=_watch, daemon=True).start()
    try:
        serve()
    finally:
        os._exit(1)


def _watch():
    """Ends this copy with the process that began it all."""
    os.read(_lifeline, 1)
    os._exit(0)


def save(serve, listener):
    """Makes what this copy holds now what resets lead back to. No other request may be under way.

    Whoever calls it answers its request, then ends with `SAVED`.
    """
    if os.fork():
        return
    # The connections are for the other one to end.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3, 4096):
        try:
            if descriptor != listener and stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.dup2(nowhere, descriptor)
        except OSError:
            continue
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        _copy(serve)
        # Saved once more: that one is watched by the process that began it all.
        os._exit(0)
    finally:
        os._exit(1)
