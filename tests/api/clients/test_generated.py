"""The generated files are what `make clients` would write."""

from api.clients.files import generated_files
from config.environment import BASE_DIR


def test_generated_files_are_up_to_date() -> None:
    stale = [
        path
        for path, content in generated_files().items()
        if (BASE_DIR / path).read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run `make clients`"
