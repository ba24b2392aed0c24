"""Jobs of accounts."""

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts import password_reset


# Retried for almost an hour with growing pauses; after that the user has to request a new mail.
@app.task(name=password_reset.JOB, retry=RetryStrategy(max_attempts=7, exponential_wait=3))
def send_password_reset(user_id: str) -> None:
    """Mail a user the token for a password reset."""
    password_reset.send_reset(user_id)
