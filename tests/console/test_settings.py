from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from console.settings import ConsoleSection

GOOD = "a-secret-of-the-console"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"public_url": "vigil.example"}, "wanted an address"),
        ({"public_url": "https://vigil.example/?a=1"}, "wanted an address"),
        ({"public_url": "https://vigil.example/safety"}, "without a path"),
        ({"map_url": "https://map.example/{lat}"}, "no field 'lat'"),
        ({"map_url": "javascript:alert(1)"}, "https"),
        ({"tokens": [{"name": "a", "secret": "short"}]}, "20 characters"),
        ({"tokens": [{"name": "a", "secret": "with spaces in the middle"}]}, "20 characters"),
        ({"tokens": [{"name": "a", "secret": GOOD, "may": ["fly"]}]}, "read"),
        ({"tokens": [{"name": "a", "secret": GOOD}, {"name": "b", "secret": GOOD}]}, "same secret"),
        ({"tokens": [{"name": "a", "secret": GOOD}, {"name": "a", "secret": GOOD * 2}]}, "same name"),
        ({"inbound_secrets": {"sms": "short"}}, "sms: wanted 20"),
        ({"inbound_secrets": {"sms": "slash/slash/slash/slash"}}, "sms: wanted 20"),
        ({"link_days": 0}, "greater than 0"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_every_fault_is_said(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        ConsoleSection.model_validate(settings)


def test_nothing_needs_to_be_said() -> None:
    section = ConsoleSection.model_validate({})
    assert (section.host, section.port, section.public_url, section.tokens) == ("127.0.0.1", 9465, "", ())
    assert ConsoleSection.model_validate({"public_url": "https://vigil.example/"}).public_url == "https://vigil.example"
