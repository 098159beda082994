"""What metrics of a service are called."""

from prometheus_client import CollectorRegistry, generate_latest

from tailcast_service.meters import MeterMaker


def test_every_name_begins_with_the_service() -> None:
    """Of a counter, a gauge and a histogram, with their labels."""
    registry = CollectorRegistry()
    make = MeterMaker("tailcast_oven", registry)
    make.counter("loaves", "Loaves baked", "kind").labels("rye").inc()
    make.gauge("heat", "Degrees").set(220)
    make.histogram("bake_seconds", "Time for one", buckets=(1.0, 5.0)).observe(3)
    text = generate_latest(registry).decode()
    assert 'tailcast_oven_loaves_total{kind="rye"} 1.0' in text
    assert "tailcast_oven_heat 220.0" in text
    assert 'tailcast_oven_bake_seconds_bucket{le="1.0"} 0.0' in text
    assert 'tailcast_oven_bake_seconds_bucket{le="5.0"} 1.0' in text
