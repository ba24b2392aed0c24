"""`python -m prove.process COMMAND`: a management command with what `injection` adds."""

import os
import sys

import django

import manage
from config.database import PROFILE_VARIABLE, Profile
from prove import process_mutations
from prove.injection import install


def main() -> None:
    """Run the command that the arguments name."""
    install("processor")
    # As the command itself would, a moment later.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ[PROFILE_VARIABLE] = Profile.COMMAND
    django.setup()
    process_mutations.apply_in_process()
    manage.main(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
