"""The OpenAPI document of the API, made of the types that it reads and shows."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPMethod
from typing import TYPE_CHECKING, Any, Final

import msgspec

from alerts.contact_tests import TestReport
from alerts.incident import AlertEvent
from alerts.noise.silences import SilenceInForce
from console.orders import ORDERS
from console.settings import May
from console.shown import Fault, Made, SeenAsk, SeenIncident

if TYPE_CHECKING:
    from console.orders import Order

__all__ = ["document"]

_REF: Final = "#/components/schemas/{name}"
_OURS: Final = ("type", "origin")
"""Fields of commands that no body says: the path says what it is, and we know from where it came."""

_LOOKS: Final[tuple[tuple[str, str, Any, str], ...]] = (
    (
        "/incidents",
        "incidents",
        list[SeenIncident],
        "The open or the recent incidents; of elders without place and health.",
    ),
    ("/incidents/{incident}", "incident", SeenIncident, "One incident. A look at an elder's is noted."),
    ("/incidents/{incident}/timeline", "timeline", list[AlertEvent], "What happened, oldest first."),
    ("/incidents/{incident}/asks", "asks", list[SeenAsk], "Who is asked, and how that stands."),
    ("/silences", "silences", list[SilenceInForce], "The silences that are planned, in force or ended lately."),
    ("/contact-tests", "contact_tests", list[TestReport], "What came of the contact tests, the newest first."),
)


@cache
def document() -> bytes:
    """Return the document as JSON."""
    looks = [result for _, _, result, _ in _LOOKS]
    commands = [order.command for order in ORDERS]
    wanted = [*looks, Made, Fault, *dict.fromkeys(commands)]
    schemas, components = msgspec.json.schema_components(wanted, ref_template=_REF)
    ref_of = dict(zip(map(str, wanted), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, name, result, summary in _LOOKS:
        query = [_query("state", ["open", "recent"]), _query("site"), _query("limit")] if name == "incidents" else []
        operation = _operation(path, name, summary, May.READ, ref_of[str(result)])
        operation["parameters"] = [*operation.get("parameters", []), *query]
        paths.setdefault(path, {})["get"] = operation
    for order in ORDERS:
        body = _body(order, components[order.command.__name__])
        operation = _operation(order.path, _name(order), order.summary, order.may, ref_of[str(Made)])
        operation["requestBody"] = {
            "required": bool(body["required"]),
            "content": {"application/json": {"schema": body}},
        }
        operation["parameters"] = [
            *operation.get("parameters", []),
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}},
        ]
        operation["responses"]["409"] = _response("The state does not allow it.", {"$ref": _REF.format(name="Fault")})
        paths.setdefault(order.path, {})[order.method.lower()] = operation
    for command in commands:
        components.pop(command.__name__, None)
    said = {
        "openapi": "3.1.0",
        "info": {"title": "Vigil", "version": "1", "description": "Times are µs since the epoch."},
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {name: _tidy(schema) for name, schema in components.items()},
        },
    }
    return msgspec.json.encode(said)


def _operation(path: str, name: str, summary: str, may: May, result: dict[str, Any]) -> dict[str, Any]:
    fault = {"$ref": _REF.format(name="Fault")}
    said: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "description": f"For tokens that may {may}.",
        "responses": {
            "200": _response("Done.", result),
            "400": _response("The request is faulty; every fault is said.", fault),
            "401": _response("No token of the settings.", fault),
            "403": _response("The token may not.", fault),
        },
    }
    names = re.findall(r"{(\w+)}", path)
    if names:
        said["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
        said["responses"]["404"] = _response("There is none.", fault)
    return said


def _name(order: Order) -> str:
    if order.method is HTTPMethod.PUT:
        return "change_silence"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", order.command.__name__).lower()


def _body(order: Order, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the command's schema without what is known anyway; `by` is the token's name where missing."""
    ours = {*_OURS, *re.findall(r"{(\w+)}", order.path), *dict(order.fixed)}
    said = _tidy(schema)
    said["properties"] = {name: one for name, one in schema["properties"].items() if name not in ours}
    said["required"] = [name for name in schema["required"] if name not in ours | {"by"}]
    said["additionalProperties"] = False
    return said


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Return it with descriptions that are not indented as their docstrings are."""
    said = dict(schema)
    if "description" in said:
        said["description"] = re.sub(r"\n +", "\n", said["description"]).strip()
    return said


def _query(name: str, values: list[str] | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"} if values is None else {"type": "string", "enum": values}
    return {"name": name, "in": "query", "schema": schema}


def _response(said: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": {"schema": schema}}}
