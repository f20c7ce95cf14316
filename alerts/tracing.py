"""The names of an incident's trace: made from the incident, so that whoever knows the one can name the other.

A restart goes on with the same trace, an exemplar on `/metrics` names it, and what is sent twice is one span. The form
is that of W3C Trace Context: 16 bytes for a trace, 8 for a span, in lower hexadecimal, never all zero.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["is_sampled", "span_id_of", "trace_id_of"]

_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8
_SAMPLES: Final = 1 << 64


def trace_id_of(incident_id: str) -> str:
    """Return the id of the trace of an incident, 32 hexadecimal digits."""
    return _hex(_TRACE_BYTES, "trace", incident_id)


def span_id_of(incident_id: str, *causes: str | int) -> str:
    """Return the id of the span that `causes` made in the trace of an incident, 16 hexadecimal digits."""
    return _hex(_SPAN_BYTES, "span", incident_id, *causes)


def is_sampled(incident_id: str, part: float) -> bool:
    """Say whether the incident is among the `part` (0 to 1) of all that are traced; the same one always is.

    Source: TraceIdRatioBased of the OpenTelemetry specification, so that a collector that samples by the same part
    keeps the same traces: the last 8 bytes of the id, as a number, below part * 2^64.
    """
    return int(trace_id_of(incident_id)[-16:], 16) < round(part * _SAMPLES)


def _hex(size: int, *causes: str | int) -> str:
    cause = "\x1f".join(str(part) for part in causes)
    digest = hashlib.blake2b(cause.encode(), digest_size=size, person=b"vigil.tracing").hexdigest()
    return digest if int(digest, 16) else "1".rjust(2 * size, "0")
