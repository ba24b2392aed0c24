"""`python -m config.settings_docs`: write .env.example and docs/settings.md from the declarations.

Without Django, so that it works while a setting is wrong.
"""

import re
import sys
import textwrap
from typing import Any

from config.declarations.kinds import Group, Setting
from config.environment import BASE_DIR, GROUPS

WIDTH = 100
HOW_TO_SET = (
    "Export a variable, or write it into a file `.env` in the project's directory; an exported"
    " variable wins. A wrong value keeps the service from starting, and all wrong ones are named at"
    " once. A `WALLET_SERVICE_*` that is not listed here does nothing, and the service warns of it."
    " To keep a secret out of the environment, set `NAME_FILE=/path` instead of `NAME`: the service"
    " then reads the value from that file."
)
WRITTEN_BY = "`make settings-docs` writes this file from the declarations in `config/declarations`."


def generated_files() -> dict[str, str]:
    """Return the content of each generated file by its path in the project."""
    return {".env.example": _example(), "docs/settings.md": _page()}


def main() -> None:
    """Write each file and print its path."""
    for path, content in generated_files().items():
        (BASE_DIR / path).write_text(content, encoding="utf-8")
        sys.stdout.write(f"Wrote {path}\n")


def _example() -> str:
    title = "Every setting with its default, as lines to copy."
    parts = [_comment(f"{title}\n{HOW_TO_SET}\n{WRITTEN_BY}")]
    for group in GROUPS:
        parts.append(f"# --- {group.heading} ".ljust(WIDTH, "-"))
        if group.introduction:
            parts.append(_comment(group.introduction))
        parts.extend(_lines_to_copy(setting) for setting in group.settings())
    return "\n\n".join(parts) + "\n"


def _lines_to_copy(setting: Setting[Any]) -> str:
    comment = _comment(f"{setting.help_text}\nAllowed: {setting.allowed}.")
    is_plain = re.fullmatch(r"[\w./:-]*", setting.default)
    value = setting.default if is_plain else f'"{setting.default}"'
    return f"{comment}\n{setting.name}={value}"


def _comment(text: str) -> str:
    return "\n".join(
        textwrap.fill(
            line,
            WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def _page() -> str:
    introduction = (
        "# Settings",
        textwrap.fill(HOW_TO_SET, WIDTH),
        "[.env.example](../.env.example) has the same as lines to copy.",
        WRITTEN_BY,
    )
    return "\n\n".join([*introduction, *map(_section, GROUPS)]) + "\n"


def _section(group: type[Group]) -> str:
    lines = [f"## {group.heading}", ""]
    if group.introduction:
        lines += [textwrap.fill(group.introduction, WIDTH), ""]
    lines += ["| variable | default | allowed | meaning |", "|---|---|---|---|"]
    for setting in group.settings():
        default = f"`{setting.default}`" if setting.default else ""
        meaning = setting.help_text.replace("\n", " ")
        lines.append(f"| `{setting.name}` | {default} | {setting.allowed} | {meaning} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
