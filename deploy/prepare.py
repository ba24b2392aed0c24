"""Creates the secrets of the containers and sets the owners of their folders, before they start.

Runs as root in a separate container without a network, at each `docker-compose up`.
`prepare.py` creates missing secrets. `prepare.py --renew NAME …` replaces the named ones; then
`deploy/postgres/roles.sh` has to set a new password in PostgreSQL.
"""

import os
import secrets
import sys
from pathlib import Path

# Each folder is a volume. A container mounts only the volumes with the secrets that it needs.
PATHS = {
    "secret_key": "secrets/app/secret_key",
    "app_password": "secrets/app/app_password",
    "owner_password": "secrets/owner/owner_password",
    "superuser_password": "secrets/database/superuser_password",
    "monitor_password": "secrets/monitor/monitor_password",
    "metrics_token": "secrets/monitor/metrics_token",
}
URLS = {
    "secrets/app/database_url": ("wallet_app", "app_password"),
    "secrets/owner/database_url": ("wallet_owner", "owner_password"),
}
# Secrets that a second volume needs too.
COPIES = {"secrets/app/metrics_token": "metrics_token"}
DATABASE = "database:5432/wallet"
FALLBACKS = "secrets/app/secret_key_fallbacks"
# An old key stays valid for this many rotations.
MAX_FALLBACKS = 3
# The user ids in the service's image and in PostgreSQL's.
OWNERS = {"backups": 10_001, "archive": 999}


def main(arguments: list[str], root: Path) -> None:
    """Create missing secrets, or renew the named ones. An unknown name ends the process."""
    renewed = arguments[1:] if arguments[:1] == ["--renew"] else []
    if (arguments and not renewed) or not PATHS.keys() >= set(renewed):
        sys.exit(f"usage: prepare.py [--renew NAME …], of {', '.join(PATHS)}")
    for name, path in PATHS.items():
        given = os.environ.get("WALLET_SERVICE_SECRET_KEY", "") if name == "secret_key" else ""
        _create(root / path, root / FALLBACKS, given=given, is_renewed=name in renewed)
    for path, (role, password) in URLS.items():
        secret = (root / PATHS[password]).read_text()
        _write(root / path, f"postgresql://{role}:{secret}@{DATABASE}")
    # The service requires every file of its settings; an operator may have deleted this one.
    if not (root / FALLBACKS).exists():
        _write(root / FALLBACKS, "")
    for path, name in COPIES.items():
        _write(root / path, (root / PATHS[name]).read_text())
    for folder, owner in OWNERS.items():
        os.chown(root / folder, owner, owner)


def _create(file: Path, fallbacks: Path, *, given: str, is_renewed: bool) -> None:
    old = file.read_text() if file.exists() else ""
    if old and (given == old or not (given or is_renewed)):
        return
    if file.name == "secret_key":
        kept = fallbacks.read_text().split() if fallbacks.exists() else []
        _write(fallbacks, " ".join([old, *kept][:MAX_FALLBACKS]))
    # Letters, digits, - and _ only, because URLs contain it unquoted.
    _write(file, given or secrets.token_urlsafe(48))


def _write(file: Path, text: str) -> None:
    """Write the file atomically. Every user of a container that mounts the volume may read it."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.chmod(0o444)
    draft.replace(file)


if __name__ == "__main__":
    main(sys.argv[1:], Path("/"))
