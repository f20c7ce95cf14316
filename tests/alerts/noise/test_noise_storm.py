"""A storm of 10,000 incidents in 10 s: what it costs, and that nothing of it is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from alerts.noise.counters import Bound, NoiseCounters
from alerts.noise.inhibition import DEFAULT_INHIBITIONS
from alerts.noise.limits import NoiseLimits
from alerts.noise.noise import Noise
from alerts.noise.post import Post
from alerts.people.model import Person
from tests.alerts.noise.scene import GAS, LI, SMOKE, SOS, TANK, Street, event, incident, message, us

if TYPE_CHECKING:
    from alerts.notification import Notification

N = 10_000
TENTH_US = 100_000


@pytest.mark.parametrize("buildings", [1, 50, N])
def test_ten_thousand_in_ten_seconds_cost_little_and_none_is_lost(buildings: int) -> None:
    """Measured on two cores that others share: 25 µs each, of 40 wanted; the bound is for a busier machine."""
    people = [Person(name=f"p{number}") for number in range(20)]
    made = [
        message(
            f"{number}",
            number / 1_000,
            person=people[number % 20],
            building=str(number % buildings),
            **(SMOKE, GAS, TANK, SOS)[number % 4],
        )
        for number in range(N)
    ]
    events = [event(notification.incident, at=number / 1_000) for number, notification in enumerate(made)]
    noise, post = Noise(NoiseLimits(), DEFAULT_INHIBITIONS), Post()
    sent: list[Notification] = []
    covered: list[Notification] = []
    waits_us: list[int] = []

    def look(now_us: int) -> None:
        for digest in post.advance(now_us):
            covered.extend(digest.covers)
            waits_us.extend(now_us - one.created_us for one in digest.covers if one.incident.is_life_safety)

    began = time.process_time()
    for number, (heard, offered) in enumerate(zip(events, made, strict=True)):
        noise.hear(heard, heard.time_us)
        if post.offer(offered, people[number % 20], heard.time_us, None) is not None:
            sent.append(offered)
        if number % 100 == 0:
            look(heard.time_us)
    spent_us = (time.process_time() - began) / N * 1e6
    assert spent_us < 200

    for tenth in range(400):
        look(us(10) + tenth * TENTH_US)
    assert len(noise) == N
    assert {one.id for one in sent} | {one.id for one in covered} == {one.id for one in made}
    assert len(sent) + len(covered) == N
    assert max(waits_us) <= 2_100_000
    assert len(sent) < 20 * 12, "each person has the first few, and then digests"


def test_a_snapshot_of_a_storm_is_written_and_read_in_no_time() -> None:
    noise, post = Noise(NoiseLimits(), DEFAULT_INHIBITIONS), Post()
    for number in range(N):
        noise.hear(event(incident(f"{number}", **SMOKE, building=str(number % 50))), us(number / 1_000))
        post.offer(message(f"{number}", **SMOKE), LI, us(0), None)
    began = time.process_time()
    saved = noise.snapshot(), post.snapshot()
    Noise(NoiseLimits(), DEFAULT_INHIBITIONS).restore(saved[0])
    Post().restore(saved[1])
    spent_s = time.process_time() - began
    assert spent_s < 3


def test_many_incidents_of_one_group_close_quickly() -> None:
    street = Street()
    for number in range(2_000):
        street.raised(f"{number}", 0, **TANK)
    began = time.process_time()
    for number in range(2_000):
        street.closed(f"{number}", 100 + number * 61)
        street.freed(100 + number * 61 + 60)
    assert time.process_time() - began < 10
    assert len(street.noise) == 0


def test_what_is_beyond_the_bound_is_told_and_counted() -> None:
    counters = NoiseCounters()
    noise = Noise(NoiseLimits(dangers=10), DEFAULT_INHIBITIONS, counters)
    told = [noise.hear(event(incident(f"{number}", **SMOKE)), us(0)).told for number in range(15)]
    assert told == [True] + [False] * 9 + [True] * 5
    assert counters.full[Bound.DANGERS] == 5
    assert len(noise) == 10
