"""The configuration of gunicorn: processes with threads."""

import os
import resource
import shutil
import tempfile
from pathlib import Path
from typing import Any

from config.database import PROFILE_VARIABLE, Profile
from config.environment import read
from config.logs import logging_config
from ops.listen_address import address

_environment = read()

# In memory where possible: a slow disk could stall the worker.
_MEMORY_DIR = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# The directory in which the workers share their metrics; prometheus_client reads the variable once,
# at its import.
_METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"
os.environ[_METRICS_DIR] = tempfile.mkdtemp(prefix="wallet-metrics-", dir=_MEMORY_DIR)

# gunicorn loads the worker's class, which reads the settings, before it applies `raw_env`.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ[PROFILE_VARIABLE] = Profile.WEB

bind = address(_environment.host, _environment.port)
worker_class = "config.thread_worker.JSONThreadWorker"
workers = _environment.workers
threads = _environment.threads
# The connections of a process. Those that say nothing make room for new ones.
worker_connections = 1_000
# Each has a file, and so have the database's connections.
_FILES = worker_connections + 500
_soft_limit, _hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
if resource.RLIM_INFINITY not in (_soft_limit, _hard_limit):
    _files = max(_soft_limit, min(_FILES, _hard_limit))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_files, _hard_limit))
    worker_connections = min(worker_connections, _files * 2 // 3)

# The proxies whose X-Forwarded-Proto is trusted: those whose X-Forwarded-For is trusted.
forwarded_allow_ips = ",".join(str(network) for network in _environment.trusted_proxies)

# Some proxies pass on every header of a client: none may change the path.
forwarder_headers = ""

# Longer than a proxy or a phone usually keeps an idle connection for its next request.
keepalive = 75
# Longer than the statement timeout, so that running requests can finish.
graceful_timeout = _environment.statement_timeout_ms // 1000 + 5

# At debug level gunicorn logs what clients sent.
loglevel = "info" if _environment.log_level == "debug" else _environment.log_level
logconfig_dict = logging_config(level=_environment.log_level, form=_environment.log_form)
# The directory of the heartbeat file.
worker_tmp_dir = _MEMORY_DIR
# Disables gunicorn's control socket, by which other users could control this server.
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    """Set up tracing, in a new worker before it loads the application."""
    if _environment.otel_exporter_otlp_endpoint:
        from config import tracing  # noqa: PLC0415 (only in a worker, with an endpoint)

        tracing.set_up(with_requests=True)


def post_worker_init(worker: Any) -> None:
    """Start the sampler, in a worker that has loaded the application."""
    from ops import sampler  # noqa: PLC0415 (with Django's settings, in the worker only)

    sampler.start()


def child_exit(server: Any, worker: Any) -> None:
    """Keep the counters and drop the gauges of an ended worker, in the server."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Delete the shared metrics, at the end of the server."""
    shutil.rmtree(os.environ[_METRICS_DIR], ignore_errors=True)
