"""`python -m ops.vulnerabilities`: audits the locked packages with pip-audit.

Without network access, and for packages unknown to the vulnerability database, it reports that they
were not audited, and does not fail.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent

LOCKED = ("requirements.txt", "requirements-postgres.txt", "requirements-dev.txt")
TIMEOUT_SECONDS = 120


def audit(name: str) -> list[dict[str, Any]] | None:
    """Return pip-audit's result for each package, or None when it cannot run."""
    command = ["-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    try:
        result = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, *command, "--format=json", "-r", name],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        packages: list[dict[str, Any]] = json.loads(result.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return packages


def main() -> int:
    """Print a line for each file and each vulnerability. Return 1 when there is one, else 0."""
    count = 0
    for name in LOCKED:
        packages = audit(name)
        if packages is None:
            print(f"{name}: NOT AUDITED, pip-audit has no network here.")  # noqa: T201
            continue
        for package in packages:
            for vulnerability in package.get("vulns", ()):
                count += 1
                fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
                print(  # noqa: T201
                    f"{name}: {package['name']} {package['version']} has {vulnerability['id']},"
                    f" fixed in {fixed}"
                )
        unknown = sum("skip_reason" in package for package in packages)
        audited = len(packages) - unknown
        print(f"{name}: {audited} packages audited, {unknown} NOT AUDITED.")  # noqa: T201
    return bool(count)


if __name__ == "__main__":
    sys.exit(main())
