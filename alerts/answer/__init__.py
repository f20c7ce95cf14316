"""How a person answers: the one-tap link, and the command that an answer is."""

from alerts.answer.answers import BEST_RATING, Answer, command_for, is_given
from alerts.answer.links import LinkRefused, Links, RefusedBecause, load_or_make_keys

__all__ = [
    "BEST_RATING",
    "Answer",
    "LinkRefused",
    "Links",
    "RefusedBecause",
    "command_for",
    "is_given",
    "load_or_make_keys",
]
