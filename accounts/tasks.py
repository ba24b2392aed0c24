"""The accounts' jobs."""

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts import password_reset


# Tried again for almost an hour, ever more rarely; whoever still waits then asks again.
@app.task(name=password_reset.JOB, retry=RetryStrategy(max_attempts=7, exponential_wait=3))
def send_password_reset(user_id: str) -> None:
    """Mail a token to whoever forgot their password."""
    password_reset.send_reset(user_id)
