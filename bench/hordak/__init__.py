"""A ledger from a package, django-hordak, with what a wallet needs on top: a lock and a check.

It has a database of its own on the same server. `make install-bench` installs it.
"""
