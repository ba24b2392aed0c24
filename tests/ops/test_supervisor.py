"""`manage.py serve` and the worker: a signal may come at any moment of a wait."""

import re
import subprocess
import sys

import pytest

from config.environment import BASE_DIR
from harness.waiting import DEADLINE_SECONDS

# In a process of its own, which can be ended when it hangs.
STOPPED_A_THOUSAND_TIMES = """
import signal
from ops import supervisor
supervisor.POLL_SECONDS = 0.0001
signal.signal(signal.SIGALRM, lambda *_: current.request_stop())
for number in range(1_000):
    current = supervisor.Supervisor()
    signal.setitimer(signal.ITIMER_REAL, 0.001 + number % 97 / 100_000)
    try:
        current.wait(lambda: False)
    except supervisor.Stopped:
        pass
"""
# Ctrl-C goes to all processes at once: one that is still starting ends by it.
STOPPED_WITH_A_CHILD = """
import signal, psutil
from ops import supervisor
supervisor.POLL_SECONDS = 0.3

def interrupt(*_):
    for child in psutil.Process().children():
        child.kill()
        child.wait()
    running.request_stop()

signal.signal(signal.SIGALRM, interrupt)
with supervisor.Supervisor() as running:
    running.start("A service", "-c", "import signal; signal.pause()")
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        running.wait(lambda: False)
    except supervisor.Stopped:
        pass
"""


WORKER_STOPPED_TWO_HUNDRED_TIMES = """
import signal
from ops import worker
worker.POLL_SECONDS = 0.0001

def interrupt(*_):
    global requested
    requested = True

signal.signal(signal.SIGALRM, interrupt)
for number in range(200):
    requested = False
    signal.setitimer(signal.ITIMER_REAL, 0.001 + number % 97 / 100_000)
    worker.run_threads({"A service": lambda stop: stop.wait()}, {}, lambda: requested)
"""

# Ctrl-C goes to all processes at once: one that is being started again ends, too.
STOPPED_WHILE_IT_RESTARTS = """
import signal, psutil
from ops import supervisor
supervisor.RESTARTS = 1_000

signal.signal(signal.SIGALRM, lambda *_: running.request_stop())
with supervisor.Supervisor() as running:
    running.start("A service", "-c", "pass")
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        running.keep_running()
    except supervisor.Stopped:
        pass
assert not psutil.Process().children()
"""
ENDS_TOO_OFTEN = """
from ops import supervisor

with supervisor.Supervisor() as running:
    running.start("Another one", "-c", "import signal; signal.pause()")
    running.start("A service", "-c", "raise SystemExit(3)")
    try:
        running.keep_running()
    except supervisor.ServiceEnded as end:
        print(end)
"""


@pytest.mark.parametrize(
    "program",
    [
        STOPPED_A_THOUSAND_TIMES,
        STOPPED_WITH_A_CHILD,
        WORKER_STOPPED_TWO_HUNDRED_TIMES,
        STOPPED_WHILE_IT_RESTARTS,
    ],
)
def test_a_signal_at_any_moment_ends_the_wait(program: str) -> None:
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE_DIR,
        check=True,
        timeout=DEADLINE_SECONDS,
    )


def test_what_ends_again_and_again_is_not_started_for_ever() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_TOO_OFTEN],
        cwd=BASE_DIR,
        check=True,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    *reports, last = ended.stdout.splitlines()
    assert reports == ["A service ended with status 3; it is started again."] * 5
    assert re.fullmatch(r"A service ended with status 3, after 5 restarts in \d+ seconds\.", last)
