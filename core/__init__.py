"""The kernel: money, errors, the unit of work, idempotency, connections, the replica."""
