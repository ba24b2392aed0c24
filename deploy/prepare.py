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
}
URLS = {
    "secrets/app/database_url": ("wallet_app", "app_password"),
    "secrets/owner/database_url": ("wallet_owner", "owner_password"),
}
DATABASE = "database:5432/wallet"
# The users in the service's image and in PostgreSQL's.
OWNERS = {"backups": 10_001, "archive": 999}


def main(arguments: list[str], root: Path) -> None:
    """Make what is missing, or renew the named secrets. An unknown name ends the process."""
    renewed = arguments[1:] if arguments[:1] == ["--renew"] else []
    if (arguments and not renewed) or not PLACES.keys() >= set(renewed):
        sys.exit(f"usage: prepare.py [--renew NAME …], of {', '.join(PLACES)}")
    values = {
        name: _secret(root / place, given=_given(name), is_renewed=name in renewed)
        for name, place in PLACES.items()
    }
    for place, (role, password) in URLS.items():
        _write(root / place, f"postgresql://{role}:{values[password]}@{DATABASE}")
    for folder, owner in OWNERS.items():
        os.chown(root / folder, owner, owner)


def _given(name: str) -> str:
    return os.environ.get("WALLET_SERVICE_SECRET_KEY", "") if name == "secret_key" else ""


def _secret(file: Path, *, given: str, is_renewed: bool) -> str:
    if given:
        _write(file, given)
    elif is_renewed or not file.exists():
        # Letters, digits, - and _ only: it stands in URLs as it is.
        _write(file, secrets.token_urlsafe(48))
    return file.read_text()


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
