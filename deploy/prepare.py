"""Makes what the containers need before they start: secrets, and folders that are theirs.

Runs as root in a container of its own, without a network, each time `docker-compose up` does.
`prepare.py` makes what is missing. `prepare.py --renew NAME …` makes these secrets anew; a new
password also has to reach PostgreSQL, which `deploy/postgres/roles.sh` does.
"""

import os
import secrets
import sys
from pathlib import Path

# Each folder is a volume, and each container mounts only those whose secrets are its own.
PLACES = {
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
# What a second volume needs as well.
COPIES = {"secrets/app/metrics_token": "metrics_token"}
DATABASE = "database:5432/wallet"
FALLBACKS = "secrets/app/secret_key_fallbacks"
# A key is left behind by the third rotation after its own.
MOST_FALLBACKS = 3
# The users in the service's image and in PostgreSQL's.
OWNERS = {"backups": 10_001, "archive": 999}


def main(arguments: list[str], root: Path) -> None:
    """Make what is missing, or renew the named secrets. An unknown name ends the process."""
    renewed = arguments[1:] if arguments[:1] == ["--renew"] else []
    if (arguments and not renewed) or not PLACES.keys() >= set(renewed):
        sys.exit(f"usage: prepare.py [--renew NAME …], of {', '.join(PLACES)}")
    for name, place in PLACES.items():
        given = os.environ.get("WALLET_SERVICE_SECRET_KEY", "") if name == "secret_key" else ""
        _make(root / place, root / FALLBACKS, given=given, is_renewed=name in renewed)
    for place, (role, password) in URLS.items():
        secret = (root / PLACES[password]).read_text()
        _write(root / place, f"postgresql://{role}:{secret}@{DATABASE}")
    # Who deletes it must not keep the service from starting, which wants every file it is told of.
    if not (root / FALLBACKS).exists():
        _write(root / FALLBACKS, "")
    for place, name in COPIES.items():
        _write(root / place, (root / PLACES[name]).read_text())
    for folder, owner in OWNERS.items():
        os.chown(root / folder, owner, owner)


def _make(file: Path, fallbacks: Path, *, given: str, is_renewed: bool) -> None:
    old = file.read_text() if file.exists() else ""
    if old and (given == old or not (given or is_renewed)):
        return
    if file.name == "secret_key":
        kept = fallbacks.read_text().split() if fallbacks.exists() else []
        _write(fallbacks, " ".join([old, *kept][:MOST_FALLBACKS]))
    # Letters, digits, - and _ only: it stands in URLs as it is.
    _write(file, given or secrets.token_urlsafe(48))


def _write(file: Path, text: str) -> None:
    """Write all or nothing. Whoever mounts the volume may read it, whatever its user is."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.chmod(0o444)
    draft.replace(file)


if __name__ == "__main__":
    main(sys.argv[1:], Path("/"))
