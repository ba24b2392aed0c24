"""Each setting is declared once; documentation, deployment and code match the declarations."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import global_settings

from config.environment import BASE_DIR, FILE_SUFFIX, PREFIX, SETTINGS, VARIABLES, Environment
from config.settings_docs import generated_files

OTHER_PACKAGES = {"bench", "clients", "harness", "prove", "tests"}
DJANGO_SETTINGS = BASE_DIR / "config" / "settings.py"
# The names by which the code accesses the checked values and Django's settings.
ENVIRONMENTS = {"_environment", "env", "environment", "read", "settings"}
DEPLOYMENT = [
    BASE_DIR / "docker-compose.yml",
    BASE_DIR / "Dockerfile",
    *sorted(path for path in (BASE_DIR / "ansible").rglob("*") if path.suffix in (".yml", ".j2")),
]


def attribute_of(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def service_files() -> Iterator[Path]:
    for package in BASE_DIR.glob("*/__init__.py"):
        if package.parent.name not in OTHER_PACKAGES:
            yield from package.parent.rglob("*.py")
    yield BASE_DIR / "manage.py"


def names_read(tree: ast.AST, of: set[str]) -> set[str]:
    """Return the attributes that the code reads of these names, or of what they return."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(
                value=ast.Name(id=owner) | ast.Call(func=ast.Name(id=owner)), attr=name
            ) if owner in of:
                found.add(name)
    return found


def passed_on(statement: ast.stmt) -> tuple[str, str] | None:
    """Return NAME and `setting` of a plain `NAME = env.setting`."""
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=name)], value=ast.Attribute(value=ast.Name(id="env"), attr=setting)
        ):
            return name, setting
    return None


def test_the_generated_files_are_up_to_date() -> None:
    stale = [
        path
        for path, content in generated_files().items()
        if (BASE_DIR / path).read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run `make settings-docs`"


def test_a_setting_has_one_declaration_whose_attribute_is_named_like_the_variable() -> None:
    assert len(set(VARIABLES)) == len(VARIABLES)
    for setting in SETTINGS:
        assert getattr(Environment, attribute_of(setting.name)) is setting


def test_a_help_text_is_sentences() -> None:
    for setting in SETTINGS:
        assert re.match(r"[A-Z`0]", setting.help_text), setting.name
        assert setting.help_text.endswith((".", "`")), setting.name
        # It would end the cell of a table.
        assert "|" not in setting.help_text + setting.allowed, setting.name


def test_each_setting_is_read() -> None:
    trees = {path: ast.parse(path.read_text()) for path in service_files()}
    django = trees.pop(DJANGO_SETTINGS).body
    read = names_read(trees[BASE_DIR / "config" / "environment.py"], {"self"})
    for tree in (*trees.values(), *(node for node in django if passed_on(node) is None)):
        read |= names_read(tree, ENVIRONMENTS)
    # A setting that config/settings.py only passes on is read if other code or Django reads it.
    for name, setting in filter(None, map(passed_on, django)):
        if name in read or hasattr(global_settings, name):
            read.add(setting)
    unread = [name for name in VARIABLES if attribute_of(name) not in read]
    assert unread == [], "declared, but never read"


@pytest.mark.parametrize("path", DEPLOYMENT, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_a_deployment_names_only_declared_settings(path: Path) -> None:
    named = re.findall(
        rf"\b(?:{PREFIX}[A-Z_]*[A-Z]|OTEL_[A-Z_]*[A-Z]|[A-Z_]+_URL(?:{FILE_SUFFIX})?)\b",
        path.read_text(),
    )
    assert {name.removesuffix(FILE_SUFFIX) for name in named} <= set(VARIABLES)
