"""`python -m ops.vulnerabilities`: what pip-audit knows against the locked packages.

Without a way to its source, or for packages that the source does not know, nothing can be said: it
says that, and fails nobody.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent

LOCKED = ("requirements.txt", "requirements-postgres.txt", "requirements-dev.txt")
PATIENCE_SECONDS = 120


def audit(name: str) -> list[dict[str, Any]] | None:
    """Return what pip-audit says of each package, or None when it cannot ask."""
    command = ["-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    try:
        answer = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, *command, "--format=json", "-r", name],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        packages: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return packages


def main() -> int:
    """Print a line for each file and each vulnerability. Return 1 when there is one, else 0."""
    found = 0
    for name in LOCKED:
        packages = audit(name)
        if packages is None:
            print(f"{name}: NOT AUDITED, pip-audit has no network here.")  # noqa: T201
            continue
        for package in packages:
            for known in package.get("vulns", ()):
                found += 1
                fixed = ", ".join(known["fix_versions"]) or "no version yet"
                print(  # noqa: T201
                    f"{name}: {package['name']} {package['version']} has {known['id']},"
                    f" fixed in {fixed}"
                )
        unknown = sum("skip_reason" in package for package in packages)
        audited = len(packages) - unknown
        print(f"{name}: {audited} packages audited, {unknown} NOT AUDITED.")  # noqa: T201
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
