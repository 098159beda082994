"""The metric that says what is running, the same in every service.

Apart from `build`, which commands read that have no metrics to load.
"""

from prometheus_client import CollectorRegistry, Gauge

from tailcast_service.build import read_build


__all__ = ["tell_build"]


def tell_build(registry: CollectorRegistry) -> None:
    """Have `tailcast_build_info` in this registry."""
    build = read_build()
    gauge = Gauge(
        "tailcast_build_info", "What runs; always 1", build._fields, registry=registry
    )
    gauge.labels(*build).set(1)
