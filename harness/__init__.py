"""What the tests, the proof and the benchmark share.

- `processes`: child processes, their environment, free ports.
- `installation`: a data directory and a port, and the service's processes on them.
- `database`: connections past the service, copies of a database, Django set up on one.
- `actors`: accounts with tokens and wallets, made in this process, without HTTP.
- `callers`: clients and companies that sign up and call over HTTP.
- `waiting`: polling until a deadline.

It imports the service. The service never imports it.
"""
