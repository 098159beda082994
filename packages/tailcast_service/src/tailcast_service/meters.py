"""Makes the counters, gauges and histograms of a service, whose name begins theirs.

It is not in `build`, so that commands without metrics need not load prometheus_client.
"""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


__all__ = ["MeterMaker"]


class MeterMaker:
    """Makes the metrics of one service."""

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        """`service` begins every name: `tailcast_tailer`, say."""
        self._service = service
        self._registry = registry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A counter; Prometheus adds `_total` to its name."""
        return Counter(f"{self._service}_{name}", text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A gauge."""
        return Gauge(f"{self._service}_{name}", text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, *, buckets: Sequence[float]) -> Histogram:
        """A histogram with these upper bounds."""
        return Histogram(
            f"{self._service}_{name}", text, buckets=buckets, registry=self._registry
        )
