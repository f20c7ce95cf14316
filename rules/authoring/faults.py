"""Faults: what is wrong with the rules, where, and what was wanted; all of them together."""

from __future__ import annotations

__all__ = ["Faults", "RuleFaults"]


class RuleFaults(Exception):  # it is the list of faults, not one error
    """Everything that is wrong with the rules: each fault with its file, line and rule, and what was wanted."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Faults:
    """The faults found so far, each once."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._said)

    def say(self, place: str, who: str, wrong: str, wanted: str) -> None:
        """Take one up.

        place: `file:line`
        who:   what it is about: "rule 'gas.high'"; "" for the file
        """
        about = f"{who}: " if who else ""
        self._said[f"{place}: {about}{wrong}; wanted {wanted}"] = None

    def end(self) -> None:
        """Raise RuleFaults where there is any."""
        if self._said:
            raise RuleFaults(list(self._said))
