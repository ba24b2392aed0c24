"""`python -m api.clients`: regenerate the Postman collection and the Python client."""

import os
import sys

import django
from django.conf import settings


def main() -> None:
    """Write each generated file and print its path."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Imported after `django.setup()`: it imports models.
    from api.clients.files import generated_files  # noqa: PLC0415

    for path, content in generated_files().items():
        (settings.BASE_DIR / path).write_text(content, encoding="utf-8")
        sys.stdout.write(f"Wrote {path}\n")


if __name__ == "__main__":
    main()
