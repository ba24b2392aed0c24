"""The queue in tests: filled over HTTP, run in the test's process."""

from typing import Any

from core.unit_of_work import unit_of_work
from intake.processor import Processor
from tests.http_client import Api


def drain() -> None:
    """Run the queue until nothing is ready, then release it for the next processor."""
    processor = Processor()
    while processor.step():
        pass
    unit_of_work(processor.release)


def queue(api: Api, value: Any = 1, **more: Any) -> str:
    """Queue a transaction and return its id."""
    reply = api.post("/transaction", {"value": value, **more})
    assert reply.status == 202, reply.raw
    return str(reply.json["id"])
