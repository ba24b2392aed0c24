"""The samples of `/metrics`, as Prometheus parses them."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.http_client import Api

Key = tuple[str, frozenset[tuple[str, str]]]


class Samples:
    """All samples of one scrape. `samples("wallet_x", label="y")` is one of them, or None."""

    def __init__(self, text: str) -> None:
        self.samples: dict[Key, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, key
                self.samples[key] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.samples}

    def values_of(self, label: str) -> set[str]:
        return {value for _, labels in self.samples for name, value in labels if name == label}


def scrape(**headers: str) -> Samples:
    reply = Api().get("/metrics", **headers)
    assert reply.status == 200, reply.raw
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return Samples(reply.raw.decode())


def increase_during(work: Callable[[], object]) -> Callable[..., float]:
    """Do the work; return a function that returns the increase of a sample during it."""
    before = scrape()
    work()
    after = scrape()

    def increase(name: str, **labels: str) -> float:
        return (after(name, **labels) or 0) - (before(name, **labels) or 0)

    return increase
