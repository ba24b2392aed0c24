"""What a declared setting is, and the kinds of value that it may have.

A declaration is an attribute of a `Group`, which reads as the setting's parsed value:

    class Processes(Group):
        heading = "Processes"
        workers = kinds.whole("WALLET_SERVICE_WORKERS", 2, least=1, most=256, help_text="…")
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast, overload

from environs import Env
from environs import validate as valid

from config import validators

BASE_DIR = Path(__file__).resolve().parents[2]
TEN_YEARS_IN_HOURS = 10 * 366 * 24
HOUR_IN_MS = 60 * 60 * 1000

T = TypeVar("T")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """The declaration of one environment variable.

    `default` is written as in `.env`. `allowed` says in a few words what the value may be.
    `parse` reads the variable; when it is wrong, `Env` notes the reason and None is returned.
    """

    name: str
    default: str
    allowed: str
    help_text: str
    parse: Callable[[Env], T]

    @overload
    def __get__(self, instance: None, owner: type["Group"]) -> "Setting[T]": ...
    @overload
    def __get__(self, instance: "Group", owner: type["Group"]) -> T: ...
    def __get__(self, instance: "Group | None", owner: type["Group"]) -> "Setting[T] | T":
        """Return the setting's value; of the class itself, the declaration."""
        return self if instance is None else cast(T, instance.values[self.name])


@dataclass(frozen=True)
class Group:
    """Settings that belong together, with their values by the names of the variables."""

    heading: ClassVar[str]
    introduction: ClassVar[str] = ""

    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def settings(cls) -> list[Setting[Any]]:
        """Return the declarations of this group, in their order."""
        return [value for value in vars(cls).values() if isinstance(value, Setting)]


def text(
    name: str,
    default: str = "",
    *,
    allowed: str = "text",
    check: Callable[[str], None] | None = None,
    help_text: str,
) -> Setting[str]:
    """Declare a text. `check` raises `ValidationError` for a wrong one."""
    return Setting(
        name, default, allowed, help_text, lambda env: env.str(name, default, validate=check)
    )


def parsed(
    name: str, default: str = "", *, allowed: str, parser: Callable[[str], T], help_text: str
) -> Setting[T]:
    """Declare what `parser` returns for a text. It raises `ValidationError` for a wrong one."""

    def parse(env: Env) -> T:
        env.add_parser(name, parser)
        return cast(T, getattr(env, name)(name, default))

    return Setting(name, default, allowed, help_text, parse)


def directory(name: str, default: str, *, help_text: str) -> Setting[Path]:
    """Declare a directory. A relative path starts at the project, wherever the command runs."""

    def parser(value: str) -> Path:
        validators.not_empty(value)
        return (BASE_DIR / Path(value).expanduser()).resolve()

    return parsed(name, default, allowed="path", parser=parser, help_text=help_text)


def choice(name: str, default: str, *, options: tuple[str, ...], help_text: str) -> Setting[str]:
    """Declare a text that is one of several; the empty one leaves it to the service."""
    allowed = ", ".join(option or "empty" for option in options)
    check = valid.OneOf(options)
    return Setting(
        name, default, allowed, help_text, lambda env: env.str(name, default, validate=check)
    )


def flag(name: str, default: bool, *, help_text: str) -> Setting[bool]:
    """Declare a Boolean."""
    return Setting(
        name, str(default), "True, False", help_text, lambda env: env.bool(name, default)
    )


def whole(
    name: str, default: int, *, least: int, most: int | None = None, help_text: str
) -> Setting[int]:
    """Declare a whole number from `least` to `most`."""
    allowed = f"{least} or more" if most is None else f"{least} to {most}"
    check = valid.Range(min=least, max=most)
    return Setting(
        name, str(default), allowed, help_text, lambda env: env.int(name, default, validate=check)
    )


def milliseconds(name: str, default: int, *, help_text: str) -> Setting[int]:
    """Declare a time of up to an hour, in milliseconds."""
    return whole(name, default, least=1, most=HOUR_IN_MS, help_text=help_text)


def hours(name: str, default: float, *, help_text: str) -> Setting[float]:
    """Declare a time of up to ten years, in hours and parts of one."""
    allowed = f"more than 0, up to {TEN_YEARS_IN_HOURS}"
    check = valid.Range(min=0, max=TEN_YEARS_IN_HOURS, min_inclusive=False)
    return Setting(
        name,
        f"{default:g}",
        allowed,
        help_text,
        lambda env: env.float(name, default, validate=check),
    )


def amount(name: str, default: Decimal, *, help_text: str) -> Setting[Decimal]:
    """Declare an amount in major units, zero or more."""
    check = valid.Range(min=0)
    return Setting(
        name,
        format(default, "f"),
        "0 or more",
        help_text,
        lambda env: env.decimal(name, default, validate=check),
    )


def rate(name: str, default: str, *, help_text: str) -> Setting[str]:
    """Declare how many requests are allowed in a time."""
    check = valid.Regexp(
        r"[1-9][0-9]*/[0-9]*[smhd]\Z", error="Must be a count per time, such as 30/m."
    )
    return Setting(
        name,
        default,
        "count per time",
        help_text,
        lambda env: env.str(name, default, validate=check),
    )
