"""HTML made of words: everything that goes in is escaped, and each language is marked as what it is."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from alerts.people.model import Language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerts.text import Text

__all__ = ["HTML_LANGUAGE", "Tongue", "cut"]

HTML_LANGUAGE: Final[Mapping[Language, str]] = {Language.ZH: "zh-CN", Language.EN: "en"}


class Tongue:
    """Says texts in a person's languages: the first plain, the others in smaller letters after it."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self.languages = tuple(languages) or tuple(Language)

    @property
    def html(self) -> str:
        """The `lang` of the page."""
        return HTML_LANGUAGE[self.languages[0]]

    def plain(self, text: Text) -> str:
        """Return the text in the first language, not escaped."""
        return _in(text, self.languages[0])

    def say(self, text: Text) -> str:
        """Return the text in every language, as HTML."""
        first = self.plain(text)
        said = [escape(first)]
        for language in self.languages[1:]:
            more = _in(text, language)
            if more != first:
                said.append(f'<i lang="{HTML_LANGUAGE[language]}">{escape(more)}</i>')
        return " ".join(said)


def cut(text: Text, characters: int) -> Text:
    """Return it with no more than `characters` in either language."""
    return text._replace(
        en=text.en if len(text.en) <= characters else text.en[: characters - 1].rstrip() + "…",
        zh=text.zh if len(text.zh) <= characters else text.zh[: characters - 1].rstrip() + "…",
    )


def _in(text: Text, language: Language) -> str:
    return text.zh if language is Language.ZH else text.en
