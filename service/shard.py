"""The fold: what one shard knows, as a function of its journal.

Everything here is decided by the records and by nothing else, so a replay gives the same incidents and the same
notifications, with the same ids, as the run that wrote the journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from alerts import (
    Alerted,
    Alerting,
    AlertingLimits,
    AlertsCounters,
    Command,
    CommandRejected,
    Directory,
    Finding,
    Routing,
    decode_command,
    decode_directory,
)
from devices import QuarantineReport, ReadingBatch, Registry, RegistryChange
from ingest import Lane, RedeliveryWindow
from rules import Engine, RuleMode, RuleSet, decode_rules, encode_rules
from service.quarantine_log import QuarantineLog
from service.shadow_log import ShadowLog
from storage.journal import RecordKind, StoredBlock, decode_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices import Device, Metric, Profile
    from rules import Change, ReloadReport, Rule
    from storage.journal import Record

__all__ = ["RESUMED", "Effects", "Fact", "Shard", "decode", "stepped"]

Fact = StoredBlock | RegistryChange | RuleSet | Directory | QuarantineReport | Command | bytes | None
"""What a record says, decoded. bytes: it tells the time; `RESUMED` that nobody listened before it, `stepped` that our
clock was set. None: the fold, or the journal itself, made it for the archive."""

RESUMED: Final = b"resumed"
STEPPED: Final = b"stepped"
REGISTRY_CHANGES_BYTES = 1 << 20

_log = structlog.get_logger()

_REGISTRY = msgspec.msgpack.Decoder(RegistryChange)
_QUARANTINE = msgspec.msgpack.Decoder(QuarantineReport)


def stepped(step_us: int) -> bytes:
    """Return the body of a tick that says that our clock is about to go forward by `step_us`."""
    return STEPPED + step_us.to_bytes(8, "little")


@dataclass(slots=True)
class Effects(Alerted):
    """What follows from one record. reloaded: what a change of rules meant."""

    reloaded: ReloadReport | None = None


class Shard:
    """Registry, rule engine, alerting, quarantine and redelivery windows of one journal.

    Not thread-safe; `apply` is called with the records in the order of their offsets.
    """

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        rules: RuleSet,
        routing: Routing,
        limits: AlertingLimits,
        counters: AlertsCounters,
        *,
        receive_maximum: int,
    ) -> None:
        self.registry = Registry(profiles)
        self.engine = Engine(self.registry, rules)
        self.alerting = Alerting(routing, limits, counters)
        self.incidents, self.outbox = self.alerting.incidents, self.alerting.outbox
        self.quarantine = QuarantineLog()
        self.shadow = ShadowLog(counters)
        self.windows = {lane: RedeliveryWindow(receive_maximum) for lane in Lane}
        self.offset = 0
        self.now_us = 0
        self._rules_are_known = False
        self._registry_is_saved = False
        self._registry_changes: list[bytes] = []

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, record: Record, fact: Fact) -> Effects:
        """Fold one committed record, whose decoded content is `fact`, into the state."""
        self.offset, self.now_us = record.offset, record.time_us
        effects = Effects()
        match fact:
            case StoredBlock():
                self.windows[Lane(fact.session)].add(fact.packet_id, fact.digest)
                self._changes(self.engine.step(fact.batch, record.time_us), effects)
                if fact.session == Lane.ALARM:
                    self.alerting.readings(fact.batch, self.registry, record.time_us, record.offset, effects)
            case bytes():
                self._tick(fact, record.time_us, effects)
            case None:
                pass
            case RegistryChange():
                self.registry.apply(fact)
                self._registry_changes.append(record.body)
                self.engine.sync(record.time_us)
            case RuleSet():
                effects.reloaded = self._reload(fact, record.time_us)
            case Directory():
                self.alerting.use(fact, record.time_us, record.offset, effects)
            case QuarantineReport():
                self.quarantine.add(fact)
            case _:
                self.alerting.command(fact, self._drill, record.time_us, record.offset, effects)
        self.alerting.advance(record.time_us, record.offset, effects)
        return effects

    def _tick(self, body: bytes, now_us: int, effects: Effects) -> None:
        if body == RESUMED:
            self.engine.resume(now_us)
        elif body.startswith(STEPPED):
            self.alerting.shift(int.from_bytes(body[len(STEPPED) :], "little"))
        self._changes(self.engine.step(ReadingBatch.empty(now_us), now_us), effects)

    def _changes(self, changes: list[Change], effects: Effects) -> None:
        rules = self.engine.rules.by_id
        for index, change in enumerate(changes):
            device = self.registry.device(change.device_row)
            if device is None:
                raise LookupError(f"a change on device row {change.device_row}, which was never applied")
            metric = None
            if change.channel >= 0:
                metric = self.registry.profile_of(device).metrics.get(self.registry.metric(change.channel))
            finding = Finding(change, device, metric, self.now_us, self.offset, index, self.registry.device, rules.get)
            if change.rule.mode is RuleMode.SHADOW:
                event = self.shadow.apply(finding)
                if event is not None:
                    effects.events.append(event)
            else:
                self.alerting.change(finding, effects)

    def _drill(self, key: str, rule_id: str) -> tuple[Device, Rule, Metric | None]:
        """Return what a drill on the device `key` by the rule is about. Raises CommandRejected where there is none."""
        row = self.registry.device_row(key)
        device = None if row is None else self.registry.device(row)
        if device is None:
            raise CommandRejected(f"no device {key!r} is registered")
        rule = self.engine.rules.by_id.get(rule_id)
        if rule is None or rule.profile != device.profile:
            own = sorted(one.id for one in self.engine.rules.rules if one.profile == device.profile)
            raise CommandRejected(f"no rule {rule_id!r} for a {device.profile}; there are {', '.join(own)}")
        return device, rule, self.registry.profile_of(device).metrics.get(rule.metric)

    def _reload(self, rules: RuleSet, now_us: int) -> ReloadReport:
        """Go on with `rules`; the shadow of a rule that is gone, decides otherwise or is live now is forgotten."""
        report = self.engine.reload(self._usable(rules), now_us)
        self._rules_are_known = True
        by_id = self.engine.rules.by_id
        out_of_shadow = [rule for rule in report.reworded if by_id[rule].mode is not RuleMode.SHADOW]
        self.shadow.forget({*report.removed, *report.changed, *out_of_shadow})
        return report

    def follows(self, rules: RuleSet) -> bool:
        """Say whether `rules` are those that the journal says are in force."""
        return self._rules_are_known and self.engine.rules == rules

    def _usable(self, rules: RuleSet) -> RuleSet:
        """Return the rules that fit the profiles loaded now; a profile may have changed since they were journalled."""
        fitting = rules.fitting(self.registry.profiles)
        if len(fitting.rules) < len(rules.rules):
            lost = sorted({rule.id for rule in rules.rules} - {rule.id for rule in fitting.rules})
            _log.warning("service.rules_without_profile", rules=lost)
        return fitting

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as named parts.

        A city's registry takes half a second to write down, so it is written whole only now and then, and what changed
        since beside it.
        """
        parts = {
            "clock": self.now_us.to_bytes(8, "little"),
            "engine": self.engine.snapshot(),
            "quarantine": self.quarantine.snapshot(),
            "shadow": self.shadow.snapshot(),
            "rules": encode_rules(self.engine.rules) if self._rules_are_known else b"",
            **self.alerting.snapshot(),
        }
        for lane, window in self.windows.items():
            parts[f"redelivery-{lane.name.lower()}"] = window.snapshot()
        if not self._registry_is_saved or sum(map(len, self._registry_changes)) > REGISTRY_CHANGES_BYTES:
            parts["registry"] = self.registry.snapshot()
            self._registry_is_saved, self._registry_changes = True, []
        parts["registry-changes"] = msgspec.msgpack.encode(self._registry_changes)
        return parts

    def restore(self, offset: int, parts: Mapping[str, bytes]) -> None:
        """Fill a new shard from a checkpoint's parts. Raises ValueError where a part is of a version not known here."""
        self.registry.restore(parts["registry"])
        self._registry_changes = msgspec.msgpack.decode(parts["registry-changes"], type=list[bytes])
        for change in self._registry_changes:
            self.registry.apply(_REGISTRY.decode(change))
        self._registry_is_saved = True
        if parts.get("rules"):
            self.engine = Engine(self.registry, self._usable(decode_rules(parts["rules"])))
            self._rules_are_known = True
        report = self.engine.restore(parts["engine"])
        if report.dropped_rules or report.dropped_instances:
            _log.warning("service.rule_state_dropped", rules=report.dropped_rules, instances=report.dropped_instances)
        self.offset = offset
        self.now_us = int.from_bytes(parts["clock"], "little")
        self.alerting.restore(parts, self.now_us)
        self.quarantine.restore(parts["quarantine"])
        if "shadow" in parts:  # an older checkpoint has none
            self.shadow.restore(parts["shadow"])
        for lane, window in self.windows.items():
            window.restore(parts[f"redelivery-{lane.name.lower()}"])


def decode(record: Record) -> Fact:  # noqa: PLR0911 - one line a kind
    """Return what the record says. Raises ValueError or msgspec.DecodeError where its body is not of its kind."""
    match record.kind:
        case RecordKind.BLOCK:
            return decode_block(record.body)
        case RecordKind.REGISTRY:
            return _REGISTRY.decode(record.body)
        case RecordKind.COMMAND:
            return decode_command(record.body)
        case RecordKind.RULES:
            return decode_rules(record.body)
        case RecordKind.DIRECTORY:
            return decode_directory(record.body)
        case RecordKind.QUARANTINE:
            return _QUARANTINE.decode(record.body)
        case RecordKind.TICK:
            return record.body
        case RecordKind.EVENT | RecordKind.GAP:
            return None
