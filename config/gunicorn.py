"""How gunicorn serves: processes with threads, each thread with its own database connection."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from config.database import PROFILE_VARIABLE, Profile
from config.environment import read
from config.logs import logging_config
from ops.listen_address import address

_environment = read()

# In memory where there is such a place: on a disk it may stall a worker that is well.
_SHARED = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# The workers' figures, for all of them to read; prometheus_client looks once, when it is imported.
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
os.environ[_METRICS] = tempfile.mkdtemp(prefix="wallet-metrics-", dir=_SHARED)

# The worker's class is loaded before gunicorn's own `raw_env`, and brings the settings with it.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ[PROFILE_VARIABLE] = Profile.WEB

bind = address(_environment.host, _environment.port)
worker_class = "config.thread_worker.JSONThreadWorker"
workers = _environment.workers
threads = _environment.threads

# Whom to believe that a request came by HTTPS: the same whose X-Forwarded-For is believed.
forwarded_allow_ips = ",".join(str(network) for network in _environment.trusted_proxies)

# Longer than a proxy or a phone usually keeps an idle connection for its next request.
keepalive = 75
# Longer than the longest statement: a request that began gets to its end.
graceful_timeout = _environment.statement_timeout_ms // 1000 + 5

# Its debug level prints what clients sent.
loglevel = "info" if _environment.log_level == "debug" else _environment.log_level
logconfig_dict = logging_config(level=_environment.log_level, form=_environment.log_form)
# Where the heartbeat's file is.
worker_tmp_dir = _SHARED
# A socket in the home directory, by which others could steer this server.
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    """In a new worker, before it loads the application."""
    if _environment.otel_exporter_otlp_endpoint:
        from config import tracing  # noqa: PLC0415 (not without an endpoint, and not in the server)

        tracing.set_up(with_requests=True)


def post_worker_init(worker: Any) -> None:
    """In a worker that has loaded the application: watch what nobody passes by."""
    from ops import sampler  # noqa: PLC0415 (with Django's settings, in the worker only)

    sampler.start()


def child_exit(server: Any, worker: Any) -> None:
    """In the server, when a worker has ended: what it did still counts, what it held is over."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """At the very end."""
    shutil.rmtree(os.environ[_METRICS], ignore_errors=True)
