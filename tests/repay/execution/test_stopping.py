"""A stop wakes who sleeps, and no signal can make the process wait for itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from paydown.repay.execution.stopping import StopAsked, StopSwitch

# A timer sends the signal again and again while the main thread is inside the switch: a lock that it holds there must
# not be needed by its own handler. Each round is one sleep, one signal, one waking.
STORM = """
import signal, sys, threading
from paydown.repay.execution.stopping import StopSwitch

switch = StopSwitch()
signal.signal(signal.SIGALRM, lambda *_: switch.request())
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
for _ in range(3000):
    switch.sleep(5)
    switch.clear()
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
"""

PRESSED_TWICE = """
import os, signal, threading
from paydown.repay.execution.stopping import StopSwitch

switch = StopSwitch()
with switch.signals():
    os.kill(os.getpid(), signal.SIGINT)
    switch.sleep(60)
    print("asked", switch.asked, flush=True)
    try:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(60)
    except KeyboardInterrupt:
        print("interrupted")
"""


def ran(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers that send signals exist on POSIX")
def test_a_handler_never_waits_for_the_thread_that_it_interrupts():
    """Thousands of signals at any instruction of sleep and clear: each wakes the sleeper, none blocks."""
    result = ran(STORM)

    assert (result.stdout, result.stderr) == ("done\n", "")


@pytest.mark.skipif(os.name != "posix", reason="os.kill sends signals on POSIX")
def test_the_first_ctrl_c_asks_and_the_second_interrupts():
    """The first ends a wait and is remembered; the second is a KeyboardInterrupt at once."""
    result = ran(PRESSED_TWICE)

    assert (result.stdout, result.stderr) == ("asked True\ninterrupted\n", "")


def test_a_stop_wakes_every_thread_that_sleeps():
    """Each of them, and a sleep that begins after that ends at once."""
    switch = StopSwitch()
    threads = [threading.Thread(target=switch.sleep, args=(60,)) for _ in range(3)]
    for thread in threads:
        thread.start()

    switch.request()

    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    switch.sleep(60)
    assert switch.asked


def test_a_stop_that_is_forgotten_wakes_nobody():
    """A new run sleeps its full time although an earlier one was stopped."""
    switch = StopSwitch()
    switch.request()
    switch.clear()

    assert not switch.asked
    switch.stay()
    switch.sleep(0.01)
    switch.request()
    with pytest.raises(StopAsked):
        switch.stay()
