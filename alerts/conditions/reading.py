"""A reading in words: the metric's label and the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.text import Text, quantity

if TYPE_CHECKING:
    from alerts.finding import Finding

__all__ = ["label", "reading"]


def label(finding: Finding) -> Text:
    """Return what the metric is called; its bare name where no profile names it."""
    metric = finding.metric
    return Text(metric.label_en, metric.label_zh) if metric else Text(finding.rule.metric, finding.rule.metric)


def reading(finding: Finding, *, beside: float | None = None) -> Text:
    """Say the reading that decided, such as `combustible gas 12.3 %LEL`; `beside` as for `text.number`."""
    value = quantity(finding.change.value, finding.unit, beside=beside)
    return Text("{label} {value}", "{label} {value}").fill(label=label(finding), value=value)
