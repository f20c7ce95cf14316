"""What was kept back, on `/metrics`: every label is there from the start, at nought."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from alerts.noise.counters import KEPT_BACK, Bound, Hold, NoiseCounters
from alerts.noise.inhibition import DEFAULT_INHIBITIONS
from alerts.noise.limits import NoiseLimits
from alerts.noise.metrics import NoiseMetrics
from alerts.noise.noise import Noise
from alerts.noise.post import Post
from tests.alerts.noise.scene import LI, SMOKE, event, incident, message, us


def test_every_label_is_there_at_nought() -> None:
    registry, counters = CollectorRegistry(), NoiseCounters()
    NoiseMetrics(registry, counters, Noise(NoiseLimits()), Post())
    shown = generate_latest(registry).decode()
    for reason in KEPT_BACK:
        assert f'vigil_noise_incidents_kept_total{{reason="{reason}"}} 0.0' in shown
        assert f'vigil_noise_incidents_waiting{{reason="{reason}"}} 0.0' in shown
    for hold in Hold:
        assert f'vigil_noise_messages_held_total{{reason="{hold}"}} 0.0' in shown
    for bound in Bound:
        assert f'vigil_noise_bounds_reached_total{{bound="{bound}"}} 0.0' in shown


def test_what_happened_is_counted() -> None:
    registry, counters = CollectorRegistry(), NoiseCounters()
    noise, post = Noise(NoiseLimits(), DEFAULT_INHIBITIONS, counters), Post(counters=counters)
    NoiseMetrics(registry, counters, noise, post)
    for number in range(8):
        noise.hear(event(incident(f"I{number}", **SMOKE)), us(0))
        post.offer(message(f"{number}", **SMOKE), LI, us(0), None)
    waiting = registry.get_sample_value("vigil_noise_messages_waiting")
    post.drop(["N7-li-sms"])
    post.advance(us(2))
    assert waiting == 3
    expected: list[tuple[str, dict[str, str], float]] = [
        ("incidents_told_total", {}, 1),
        ("incidents_kept_total", {"reason": "grouped"}, 7),
        ("incidents_waiting", {"reason": "grouped"}, 7),
        ("messages_passed_total", {}, 5),
        ("messages_held_total", {"reason": "storm"}, 3),
        ("messages_dropped_total", {}, 1),
        ("digests_total", {}, 1),
        ("messages_digested_total", {}, 2),
        ("messages_waiting", {}, 0),
    ]
    for name, labels, value in expected:
        assert registry.get_sample_value(f"vigil_noise_{name}", labels) == value, name
