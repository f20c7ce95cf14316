"""Traces, where `[tracing]` asks for them: one an incident, from the sensor's message to its end.

Everything here happens after the fact: what the fold and delivery say has happened is written down as spans with the
times that they know, and sent by a thread of its own. Nothing waits for it. OpenTelemetry is imported only by
`service.tracing.collector`, and that only where there is a `[tracing]`.
"""

from service.tracing.settings import TracingSection

__all__ = ["TracingSection"]
