"""The supervisor of `manage.py serve`: a signal may come at any moment of a wait."""

import subprocess
import sys

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


def test_a_signal_at_any_moment_ends_the_wait() -> None:
    subprocess.run(
        [sys.executable, "-c", STOPPED_A_THOUSAND_TIMES],
        cwd=BASE_DIR,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
