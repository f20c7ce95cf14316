"""Checks of chains and levels: whom they name, and whether anybody is ever reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.people.reach import Reach
from alerts.people.selectors import SelectorKind, parse_selector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.people.model import Directory
    from alerts.people.names import Names
    from alerts.people.written import Entry, Written

__all__ = ["check_chains", "check_levels"]


def check_levels(written: Written, names: Names) -> Iterator[str]:
    """Yield the faults of the levels' selectors; a level is not made of levels."""
    for entry in written.entries["levels"]:
        for nth, text in enumerate(entry.section.to):
            yield from names.check_selector(entry, ("to", nth), text)
            if text.startswith(f"{SelectorKind.LEVEL}:"):
                yield entry.fault(("to", nth), "a level within a level", "whom that level names")


def check_chains(written: Written, directory: Directory, names: Names) -> Iterator[str]:
    """Yield the faults of the chains: selectors that name nothing, steps and whole chains that reach nobody.

    directory: what the sound sections of `written` come to
    """
    reach = Reach(directory)
    is_whole = not any(written.unsound.values())  # else it may be for the unsound that nobody is reached
    for entry in written.entries["chains"]:
        faults = list(_selectors(entry, names))
        yield from faults
        if is_whole and not faults:
            yield from _reaches(entry, reach)
    for entry in written.entries["people"]:
        if not entry.section.contacts:
            asking = _asking(entry.name, written, reach)
            if asking:
                yield entry.fault((), f"no contact, and {asking} asks them", "contacts, or them taken out")


def _selectors(entry: Entry, names: Names) -> Iterator[str]:
    for nth, step in enumerate(entry.section.steps):
        for place, text in enumerate(step.to):
            yield from names.check_selector(entry, ("steps", nth, "to", place), text)


def _reaches(entry: Entry, reach: Reach) -> Iterator[str]:
    """Say which steps, or that the whole of the chain, can never reach anybody, and what it cannot need."""
    asked: dict[str, None] = {}
    need = 0
    for nth, step in enumerate(entry.section.steps):
        here = _people(step.to, reach)
        is_told = any(parse_selector(text).kind in {SelectorKind.RECIPIENT, SelectorKind.LEVEL} for text in step.to)
        if not here and not is_told:
            yield entry.fault(("steps", nth, "to"), "it can never reach anybody", "somebody with a contact")
        if not step.inform:
            asked.update(dict.fromkeys(here))
            need = max(need, step.need)
    if not asked:
        yield entry.fault((), "none of its steps can ever reach anybody who could answer", "a step that can")
    elif need > len(asked):
        yield entry.fault((), f"needs {need} people, and asks {len(asked)} at most", "more people, or a smaller need")


def _people(selectors: tuple[str, ...], reach: Reach) -> list[str]:
    return [name for cover in reach.covers(selectors) for name in cover.people if reach.can_be_asked(name)]


def _asking(name: str, written: Written, reach: Reach) -> str:
    """Return which chain or level asks a person; "" where none does."""
    for array in ("chains", "levels"):
        for entry in written.entries[array]:
            selectors = (
                [text for step in entry.section.steps for text in step.to] if array == "chains" else entry.section.to
            )
            if any(name in cover.people for cover in reach.covers(selectors)):
                return entry.who
    return ""
