"""Each mutant of the proof finds what it changes: one that changes nothing would prove nothing."""

import psycopg
import pytest

from prove.mutants import MUTANTS, Mutant

pytestmark = pytest.mark.usefixtures("books")

#: It changes the server's configuration, which only a superuser may, and not in a transaction.
OF_THE_SERVER = "synchronous_commit off"


@pytest.mark.parametrize(
    "mutant", [each for each in MUTANTS if each.name != OF_THE_SERVER], ids=lambda each: each.name
)
def test_it_finds_what_it_changes(mutant: Mutant, owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        mutant.change(owner)
        owner.rollback()
