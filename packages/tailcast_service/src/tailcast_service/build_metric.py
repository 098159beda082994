"""The metric that shows the running version, the same in every service.

It is not in `build`, so that commands without metrics need not load them.
"""

from prometheus_client import CollectorRegistry, Gauge

from tailcast_service.build import read_build


__all__ = ["tell_build"]


def tell_build(registry: CollectorRegistry) -> None:
    """Add `tailcast_build_info` to a registry."""
    build = read_build()
    gauge = Gauge(
        "tailcast_build_info",
        "What runs; always 1, with the labels `version` and `revision`",
        build._fields,
        registry=registry,
    )
    gauge.labels(*build).set(1)
