"""What the settings of every gateway by HTTP have, and what those have that send approved templates only."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator

from alerts.channels.sms.template import check
from alerts.notification import Purpose

__all__ = ["Endpoint", "HttpUrlText", "Section", "TemplateEndpoint", "TemplateSection", "check_url", "named"]

MARKING: Final = frozenset({"severity", "title", "body", "name", "what", "drill", "text", "text_short"})
"""Fields that say in an exercise that it is one."""
_NAMED: Final = re.compile(r"\{(\w+)\}")


def check_url(url: str, fields: frozenset[str]) -> str:
    """Return the template of a URL. Raises ValueError where it is none, or a field could change whom it is for."""
    check(url, fields)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "{" in parts.netloc:
        raise ValueError("wanted http:// or https://, a host without fields, and a path")
    return url


def named(*values: object) -> set[str]:
    """Return the fields that templates name, wherever in `values` these are."""
    found: set[str] = set()
    for value in values:
        match value:
            case str():
                found.update(_NAMED.findall(value))
            case dict():
                found |= named(*value.values())
            case list() | tuple():
                found |= named(*value)
            case _:
                pass
    return found


HttpUrlText = Annotated[str, AfterValidator(lambda url: check_url(url, frozenset()))]


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(Section):
    """What every gateway by HTTP has.

    answer_s: for its answer; less than delivery's time for an attempt leaves time to ask what became of it
    proxy:    URL of an HTTP proxy; ca_file: PEM certificates to trust in place of the machine's
    country:  calling code of numbers that are written without one
    """

    answer_s: float = Field(default=5.0, gt=0, le=60)
    proxy: SecretStr | None = None
    ca_file: FilePath | None = None
    country: str = Field(default="86", pattern=r"^[1-9]\d{0,2}$")


class TemplateSection(Section):
    """A template that the vendor approved. params: templates of its parameters, by name or in their order."""

    template_id: str = Field(min_length=1)
    params: dict[str, str] | list[str] = {}

    @field_validator("params")
    @classmethod
    def _are_templates(cls, params: dict[str, str] | list[str]) -> dict[str, str] | list[str]:
        values = list(params.values() if isinstance(params, dict) else params)
        for value in values:
            check(value)
        if not MARKING & named(*values):
            raise ValueError(f"one of {', '.join(sorted(MARKING))} is needed, to say in an exercise that it is one")
        return params


class TemplateEndpoint(Endpoint):
    """One that sends approved templates only.

    templates:        by purpose; the one above for those without
    param_characters: a value is cut so long
    """

    template_id: str = Field(min_length=1)
    NAMED_PARAMS: ClassVar[bool] = True

    params: dict[str, str] | list[str]
    templates: dict[Purpose, TemplateSection] = {}
    param_characters: int = Field(default=35, ge=5, le=1000)

    @model_validator(mode="after")
    def _has_template(self) -> Self:
        _ = self.template_for(Purpose.TELL)
        for purpose in self.templates:
            if isinstance(self.template_for(purpose).params, dict) != self.NAMED_PARAMS:
                raise ValueError(f"templates.{purpose}: params are {self._params_wanted()}")
        if isinstance(self.params, dict) != self.NAMED_PARAMS:
            raise ValueError(f"params are {self._params_wanted()}")
        return self

    def _params_wanted(self) -> str:
        return "a table by name" if self.NAMED_PARAMS else "a list in their order"

    def template_for(self, purpose: Purpose) -> TemplateSection:
        """Return the template for messages of that purpose."""
        return self.templates.get(purpose) or TemplateSection(template_id=self.template_id, params=self.params)
