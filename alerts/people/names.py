"""Names: what sections may call one another by, and what is said of a name that nobody has."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from alerts.people.selectors import SelectorKind, parse_selector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from alerts.people.written import Entry, Written

__all__ = ["Names"]

_MOST_NAMED: Final = 8
_ARRAY_OF: Final = {
    SelectorKind.PERSON: "people",
    SelectorKind.TEAM: "teams",
    SelectorKind.ROTA: "rotas",
    SelectorKind.STATION: "stations",
    SelectorKind.LEVEL: "levels",
}
_ONE_OF: Final = {"people": "person"}


class Names:
    """The names of all that was written, the unsound as well: nothing is said twice because of them.

    recipients: those of the settings, None where they are not known
    """

    def __init__(self, written: Written, channels: Collection[str], recipients: Collection[str] | None) -> None:
        self.recipients = recipients
        self._channels = channels
        self._names = {
            array: {one.name for one in entries} | written.unsound[array] for array, entries in written.entries.items()
        }
        people = written.entries["people"]
        self._roles = {role for one in people for role in one.section.roles}
        self._roles_are_known = not written.unsound["people"]

    def check(self, entry: Entry, key: tuple[str | int, ...], array: str, wanted: Iterable[str]) -> Iterator[str]:
        """Yield a fault of `key` for each of the `wanted` names that `array` has not."""
        one = _ONE_OF.get(array, array.removesuffix("s"))
        for name in wanted:
            yield from self._among(entry, key, one, name, self._names[array])

    def check_channel(self, entry: Entry, key: tuple[str | int, ...], name: str) -> Iterator[str]:
        """Yield a fault where the settings have no such channel."""
        yield from self._among(entry, key, "channel", name, self._channels)

    def check_selector(self, entry: Entry, key: tuple[str | int, ...], text: str) -> Iterator[str]:
        """Yield a fault where a selector is none, or names what nobody has."""
        try:
            selector = parse_selector(text)
        except ValueError as error:
            wrong, _, wanted = str(error).partition("; wanted ")
            yield entry.fault(key, wrong, wanted)
            return
        if selector.kind in _ARRAY_OF:
            yield from self.check(entry, key, _ARRAY_OF[selector.kind], [selector.name])
        elif selector.kind is SelectorKind.ROLE and self._roles_are_known:
            yield from self._among(entry, key, "role", selector.name, self._roles)
        elif selector.kind is SelectorKind.RECIPIENT and self.recipients is not None:
            yield from self._among(entry, key, "recipient", selector.name, self.recipients)
        elif selector.kind is SelectorKind.NEAREST and not self._names["stations"]:
            yield entry.fault(key, "there are no stations", "a [[stations]] table")
        elif selector.kind in {SelectorKind.RESIDENT, SelectorKind.FAMILY} and not self._names["residents"]:
            yield entry.fault(key, "there are no residents", "a [[residents]] table")

    def _among(
        self, entry: Entry, key: tuple[str | int, ...], what: str, name: str, there: Collection[str]
    ) -> Iterator[str]:
        if name not in there:
            known = sorted(filter(None, there))
            near = get_close_matches(name, known, n=3) or known[:_MOST_NAMED]
            wanted = f"one of {', '.join(near)}" if near else "one that there is; there are none"
            yield entry.fault(key, f"no {what} is {name!r}", wanted)
