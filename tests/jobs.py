"""Jobs in tests: queued as the service does, and run in the test process."""

import asyncio

from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector


def run_jobs() -> None:
    """Run the due jobs until none is left."""

    async def work() -> None:
        connector = PsycopgConnector(kwargs=connector_params(), min_size=1)
        with app.replace_connector(connector):
            async with app.open_async():
                await app.run_worker_async(
                    wait=False, listen_notify=False, install_signal_handlers=False
                )

    asyncio.run(work())
