"""Management commands in their own processes, on the test's database and data directory."""

import os
import subprocess
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from config.database import PROFILE_VARIABLE
from harness import processes


class Workers:
    """Starts workers; `close` kills those that still run."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, **variables: str) -> subprocess.Popen[str]:
        worker = start("process_transactions", **variables)
        self._started.append(worker)
        return worker

    def close(self) -> None:
        for worker in self._started:
            worker.kill()
            worker.communicate()


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start `manage.py` with these arguments, as the app's role."""
    given = connection.settings_dict
    user = f"{quote(given['USER'])}:{quote(given['PASSWORD'])}"
    database_url = f"postgresql://{user}@/{given['NAME']}?host={quote(given['HOST'])}"
    if given["PORT"]:
        database_url += f"&port={given['PORT']}"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "WALLET_SERVICE_SECRET_KEY": "a key of the test's own",
        "WALLET_SERVICE_DATA_DIR": str(settings.DATA_DIR),
        "WALLET_SERVICE_LOG_LEVEL": "warning",
        "WALLET_SERVICE_LOG_FORMAT": "plain",
        **variables,
    }
    environment.pop(PROFILE_VARIABLE)
    return processes.start(
        "manage.py",
        *arguments,
        variables=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
