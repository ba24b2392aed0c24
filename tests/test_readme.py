"""The documents: every command of the README runs and prints what the README shows."""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import get_commands

from config.environment import BASE_DIR, VARIABLES, Environment
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until

README = BASE_DIR / "README.md"
DOCUMENTS = (
    README,
    BASE_DIR / "CONTRIBUTING.md",
    BASE_DIR / "CHANGELOG.md",
    *sorted((BASE_DIR / "docs").rglob("*.md")),
)
SESSION_SECONDS = 120
#: Printed by the session between the outputs of two commands.
SEPARATOR = "\x1e"


@dataclass(frozen=True)
class Step:
    """A block of commands, and the output in the block below it. A leading `...`: omitted output.

    The output is that of the whole block.
    """

    command: str
    output: str


#: A block of commands to paste, and the block of output that follows at once, if any.
STEP = re.compile(r"^```sh\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.M | re.S)
#: Needs Docker, which the tests do not have.
WITH_DOCKER = re.compile(r"^## With Docker\n.*?(?=^## )", re.M | re.S)


def steps_of(document: Path) -> list[Step]:
    """Return the commands of all blocks, in the order in which they are pasted."""
    text = WITH_DOCKER.sub("", document.read_text())
    return [
        Step(command.rstrip("\n"), output.rstrip("\n")) for command, output in STEP.findall(text)
    ]


def normalised(outputs: Iterable[str]) -> list[str]:
    """Replace times, ids and tokens; the same id or token gets the same number in all outputs."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f"<{len(numbers) + 1}>")

    def replaced(output: str) -> str:
        output = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", number, output)
        output = re.sub(r"\b[0-9a-f]{64}\b", number, output)
        output = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>", output)
        return re.sub(r"(?<=data directory: )\S+", "<directory>", output)

    return [replaced(output) for output in outputs]


@pytest.fixture
def installation() -> Iterator[Installation]:
    # Not pytest's directory: the user of the database server may not be allowed into it.
    with tempfile.TemporaryDirectory(prefix="wallet-readme-") as directory:
        installation = Installation(data_dir=Path(directory, "data"))
        yield installation
        installation.clean_up()


def environment_of(installation: Installation) -> dict[str, str]:
    """Return a clean environment: without the variables of `make test` and of a `.env`."""
    variables = installation.environment(
        HOST="127.0.0.1", DATABASE_URL="", REDIS_URL="", WALLET_SERVICE_RATE_LIMITS="on"
    )
    set_by_make = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEFILES", "MAKE_TERMOUT", "MAKE_TERMERR"}
    return {name: value for name, value in variables.items() if name not in set_by_make}


def make_run(installation: Installation, printed: Path) -> subprocess.Popen[str]:
    """Start the service as the README shows. Return once it answers and has printed that."""
    with printed.open("w") as stdout, printed.with_suffix(".err").open("w") as stderr:
        service = subprocess.Popen(
            ["make", "run"],
            cwd=BASE_DIR,
            env=environment_of(installation),
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
    installation.services.append(service)

    def is_up() -> bool:
        assert service.poll() is None, printed.with_suffix(".err").read_text()
        return installation.is_answering() and "answers at" in printed.read_text()

    wait_until(is_up)
    return service


def run_session(installation: Installation, commands: list[str], script: Path) -> list[str]:
    """Run the commands in one bash session and return what each of them printed."""
    lines = (f"{command}\nprintf '{SEPARATOR}%s{SEPARATOR}' $?\n" for command in commands)
    script.write_text("".join(lines).replace(":8000", f":{installation.port}"))
    session = subprocess.run(
        ["bash", "--noprofile", "--norc", str(script)],
        cwd=BASE_DIR,
        env=environment_of(installation),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SESSION_SECONDS,
        check=False,
    )
    *parts, rest = session.stdout.split(SEPARATOR)
    outputs, statuses = parts[::2], parts[1::2]
    assert rest == ""
    assert dict(zip(commands, statuses, strict=True)) == dict.fromkeys(commands, "0"), outputs
    return outputs


@pytest.mark.slow
def test_every_command_of_the_readme_prints_what_it_shows(
    installation: Installation, tmp_path: Path
) -> None:
    # Given the README's commands: `make run`, `make test`, then a session
    run, test, *session = steps_of(README)
    assert (run.command, test.command) == ("make run", "make test")
    assert not test.output, "no output of `make test` can be compared: this test is part of it"

    # When they run one after the other
    printed = tmp_path / "printed"
    service = make_run(installation, printed)
    outputs = run_session(installation, [step.command for step in session], tmp_path / "session")

    # Then each prints what the README shows
    left_out, _, shown = run.output.partition("...\n")
    assert left_out == ""
    welcome = printed.read_text()
    welcome = welcome[welcome.index(shown.splitlines()[0]) :]
    expected = normalised([shown, *(step.output for step in session)])
    actual = normalised(
        output.strip("\n").replace("\r", "").replace(f":{installation.port}", ":8000")
        for output in (welcome, *outputs)
    )
    for step, expected_output, actual_output in zip((run, *session), expected, actual, strict=True):
        assert actual_output == expected_output, step.command

    # And the service stops on SIGTERM, with all its processes
    processes = installation.processes()
    assert len(processes) > 3
    service.terminate()
    service.wait(DEADLINE_SECONDS)
    wait_until(lambda: not any(process.is_running() for process in processes))
    assert not installation.is_answering()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_commands_can_be_pasted(document: Path) -> None:
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", document.read_text(), re.M | re.S)

    # A prompt; and a comment behind a command, the words of which are arguments in zsh.
    strange = re.compile(r"^\s*\$ |^[^#\n]*[^#\s] +# ", re.M)
    commands = [text for kind, text in blocks if kind in ("sh", "bash")]
    assert [text for text in commands if strange.search(text)] == []
    settings = re.compile(r"^\s*\w+ = ", re.M)
    assert [text for text in commands if settings.search(text)] == [], "no shell takes these"
    assert "console" not in {kind for kind, _ in blocks}, "it has prompts, or mixes in the output"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_who_has_compose_as_a_plugin_of_docker_is_told_its_name(document: Path) -> None:
    text = document.read_text()

    assert "`docker compose" in text or not re.search(r"^docker-compose ", text, re.M)


def test_the_readme_says_where_the_mails_of_the_demo_are() -> None:
    assert f"`{Environment.data_dir.default}/mails`" in README.read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_links_make_targets_commands_and_settings_of_the_documents_exist(document: Path) -> None:
    text = document.read_text()
    links = set(re.findall(r"\]\((?![a-z]+:)([^)#]+)", text))
    assert {link for link in links if not (document.parent / link).exists()} == set()
    targets = set(re.findall(r"^([a-z-]+):", (BASE_DIR / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^```sh\n)(?:[A-Z]+=\S+ )?make ([a-z-]+)", text, re.M)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    assert set(re.findall(r"\bWALLET_SERVICE_[A-Z_]*[A-Z]\b", text)) <= set(VARIABLES)
