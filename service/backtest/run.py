"""One run: rules and a history, and the episodes that come of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices import MetricType, Registry
from rules import Engine
from rules.episodes import Episodes
from rules.model import AlarmTerms
from service.backtest.channels import Channels
from service.backtest.replay import Replay, default_step_s

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from devices import Device, Profile
    from rules import RuleSet
    from rules.episodes import Episode
    from service.backtest.history import History
    from service.backtest.replay import Tally

__all__ = ["MOST_EPISODES", "Run", "run"]

MOST_EPISODES: Final = 1_000_000
"""A rule that says so much says nothing: the run ends, and the report shows which one it is."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run.

    episodes: in the order in which they were raised
    registry: holds the devices of which something was heard
    seconds:  how long it took
    stopped:  why it ended before the end of the history, "" where it did not
    """

    episodes: list[Episode]
    tally: Tally
    registry: Registry
    seconds: float
    step_s: float
    stopped: str

    @property
    def n_devices(self) -> int:
        """Devices of which something was heard, and their gateways."""
        return sum(1 for _ in self.registry.devices())


def run(
    history: History,
    rules: RuleSet,
    profiles: Mapping[str, Profile],
    ledger: Mapping[str, Device],
    *,
    profile: str | None = None,
    site: str = "",
    step_s: float | None = None,
    ignored: Collection[str] = (),
    watch: Callable[[Tally, int], str] = lambda _tally, _alarms: "",
) -> Run:
    """Fold `history` by `rules`, and return what they said.

    ledger, profile, site: as in `channels.Channels`
    step_s:  as in `replay.Replay`; where None, `default_step_s` of the profiles that there may be
    ignored: ids of rules whose episodes nobody wants
    watch:   is told how far it is and how many alarms there were, before each block; a text that it returns ends the
             run, and says why
    Raises HistoryFault.
    """
    registry = Registry(profiles)
    engine = Engine(registry, rules)
    episodes = Episodes(_endless(rules, profiles), ignored)
    watched = {device.profile for device in ledger.values()} | ({profile} if profile is not None else set())
    stopped = ""

    def go_on(tally: Tally) -> bool:
        nonlocal stopped
        if len(episodes) >= MOST_EPISODES:
            stopped = f"there were {len(episodes):,} alarms"
        else:
            stopped = watch(tally, len(episodes))
        return not stopped

    replay = Replay(
        history,
        registry,
        engine,
        Channels(registry, history, ledger, profile=profile, site=site),
        take=episodes.take,
        go_on=go_on,
        step_s=default_step_s(rules, watched) if step_s is None else step_s,
    )
    began = time.perf_counter()
    tally = replay.run()
    seconds = time.perf_counter() - began
    return Run(episodes.all(), tally, registry, seconds, replay.step_s, stopped)


def _endless(rules: RuleSet, profiles: Mapping[str, Profile]) -> set[str]:
    """Return the ids of the rules that no reading ends."""
    found = set()
    for rule in rules.rules:
        metric = profiles[rule.profile].metrics.get(rule.metric)
        is_event = metric is not None and metric.type is MetricType.EVENT
        if isinstance(rule.terms, AlarmTerms) and (rule.terms.latched or is_event):
            found.add(rule.id)
    return found
