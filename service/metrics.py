"""What one API process counts and measures, for Prometheus. Counted where it happens, answered by `api/routes/metrics.py`."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_PREFIX = "svge"
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

MEDIA_TYPE = CONTENT_TYPE_LATEST

registry = CollectorRegistry()

requests = Histogram(
    "request_seconds", "Seconds to answer a request.", ("method", "route", "status"), _PREFIX, registry=registry, buckets=_BUCKETS
)
suggests = Histogram(
    "suggest_seconds",
    "Seconds to answer a suggest, by the source of the first trial that it handed out, none without one.",
    ("source",),
    _PREFIX,
    registry=registry,
    buckets=_BUCKETS,
)
fits = Histogram(
    "fit_seconds", "Seconds of a joint proposal in the model worker.", ("outcome",), _PREFIX, registry=registry, buckets=_BUCKETS
)
expired_leases = Counter("expired_leases", "Leases that ran out and that this process took back.", (), _PREFIX, registry=registry)
worker_restarts = Counter("worker_restarts", "Model processes that were lost and replaced.", (), _PREFIX, registry=registry)
trials = Gauge("trials", "Trials of all studies, by state.", ("state",), _PREFIX, registry=registry)


def exposition() -> bytes:
    """All of it in Prometheus's text format."""
    return generate_latest(registry)
