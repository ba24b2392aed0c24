"""How gunicorn serves: processes with threads, each thread with its own database connection."""

import os
from pathlib import Path

from config.database import PROFILE_VARIABLE, Profile
from config.environment import read
from core.endpoint import address

_environment = read()

# The worker's class is loaded before gunicorn's own `raw_env`, and brings the settings with it.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ[PROFILE_VARIABLE] = Profile.WEB

bind = address(_environment.host, _environment.port)
worker_class = "config.worker.JSONThreadWorker"
workers = _environment.workers
threads = _environment.threads

# Whom to believe that a request came by HTTPS: the same whose X-Forwarded-For is believed.
forwarded_allow_ips = ",".join(str(network) for network in _environment.trusted_proxies)

# Longer than a proxy or a phone usually keeps an idle connection for its next request.
keepalive = 75
# Longer than the longest statement: a request that began gets to its end.
graceful_timeout = _environment.statement_timeout_ms // 1000 + 5

loglevel = _environment.log_level
# The heartbeat is a file; on a disk it may stall a worker that is well.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# A socket in the home directory, by which others could steer this server.
control_socket_disable = True
