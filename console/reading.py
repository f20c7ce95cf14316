"""Reads a JSON body into a type and says everything that is wrong with it, each fault with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["BodyFaults", "read"]

T = TypeVar("T", bound=msgspec.Struct)
FAULTS_SAID: Final = 50
"""Of one body."""


class BodyFaults(Exception):
    """Everything that is wrong with a body."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read(body: bytes, wanted: type[T], given: dict[str, Any], usual: dict[str, Any]) -> T:
    """Return `body`, a JSON object, as `wanted`; an empty body is an empty object.

    given: fields that the body may not say, for they are known; usual: what others are where it says nothing
    Raises BodyFaults.
    """
    try:
        fields = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyFaults([str(error)]) from None
    if not isinstance(fields, dict):
        raise BodyFaults(["wanted a JSON object"])
    names = {field.name for field in msgspec.structs.fields(wanted)}
    fields = {name: value for name, value in usual.items() if name in names} | fields
    faults = list(_faults(fields, wanted, "", given))[:FAULTS_SAID]
    if faults:
        raise BodyFaults(faults)
    return msgspec.convert(fields | {name: value for name, value in given.items() if name in names}, wanted)


def _faults(
    fields: dict[str, Any], wanted: type[msgspec.Struct], place: str, given: Collection[str] = ()
) -> Iterator[str]:
    known = {field.name: field for field in msgspec.structs.fields(wanted) if field.name not in given}
    for name in fields:
        if name not in known:
            yield f"{place}{name}: there is no such field; there are {', '.join(known)}"
    for name, field in known.items():
        if name not in fields:
            if field.required:
                yield f"{place}{name}: is missing"
            continue
        value = fields[name]
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct) and isinstance(value, dict):
            yield from _faults(value, field.type, f"{place}{name}.")
            continue
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            yield f"{place}{name}: {error}"
