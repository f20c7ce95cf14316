"""What of a request the console looks at: who sent it, and its body, which is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["address_of", "form_of"]

FORM_FIELDS: Final = 16
NOBODY: Final = "unknown"


def address_of(request: Request) -> str:
    """Return the sender's address, as the server knows it; behind a reverse proxy that of its `X-Forwarded-For`."""
    return request.client.host if request.client is not None else NOBODY


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, the last of each name. Raises ValueError where the body is no form."""
    body = (await request.body()).decode("utf-8")  # UnicodeDecodeError is a ValueError
    return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=FORM_FIELDS))
