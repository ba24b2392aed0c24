"""The gunicorn worker in a thread of the tests, for requests that no client library sends."""

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

from config.thread_worker import JSONThreadWorker
from config.wsgi import application
from harness.waiting import DEADLINE_SECONDS

RECEIVED_BYTES = 65_536


@contextmanager
def a_raw_server(*, connections: int = 100) -> Iterator[int]:
    """Run the worker, which takes so many connections; yield its port."""
    config: Any = Config()  # type: ignore[no-untyped-call]
    config.set("threads", 2)
    config.set("worker_connections", connections)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        log = Logger(config)  # type: ignore[no-untyped-call]
        worker = JSONThreadWorker(0, os.getppid(), [listener], None, 30, config, log)
        worker.wsgi = application
        # What `init_process` does, but for signals, which only a main thread may handle.
        worker.tpool = worker.get_thread_pool()  # type: ignore[no-untyped-call]
        worker.poller = selectors.DefaultSelector()
        worker.method_queue.init()  # type: ignore[no-untyped-call]
        port = listener.getsockname()[1]
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield port
        finally:
            worker.handle_exit(None, None)  # type: ignore[no-untyped-call]
            thread.join(DEADLINE_SECONDS)
            worker.tmp.close()  # type: ignore[no-untyped-call]


def send(port: int, request: bytes) -> bytes:
    """Send raw bytes and end the sending side of the connection; return all that is answered."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(RECEIVED_BYTES), b""))
