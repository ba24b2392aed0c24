"""The proof: what is promised holds while processes and the database are killed underneath.

`make prove` starts the service as it runs in production (gunicorn's workers, two processors,
PostgreSQL, and a proxy of ours between them), sends every operation of money, breaks things, and
compares what was answered with what the database holds.

The words:

- **operation**: one thing that a caller wants, however often it has to be sent. It carries a key.
- **attempt**: one request of an operation, and its answer. Ambiguous: it may have committed or not.
- **key lookup**: `GET /idempotency/<key>` by a caller who lost the answer.
- **inquiry**: key lookups, after the load, for operations whose callers gave up.
- **effect**: a movement that an operation asks for.
- **side task**: several requests in order that a caller sends between its operations.
- **revocation**: a freeze, a log-out or a deletion. What begins after it has to be refused.
- **fault**: something that breaks, and is whole again afterwards.
- **failpoint**: a place in the middle of a request at which a fault can strike.
- **workload**: a load with an end, such as Jepsen's bank.
- **round**: load, one fault in it, recovery, and then all invariants.
- **invariant**: what must hold. **Violation**: it did not.
- **mutant**: the service with one guarantee taken out on purpose. The proof has to notice.

Nothing of it is in the product: failpoints and mutants are put into the database of the run and
into processes that this package starts, so production cannot turn them on.
"""
