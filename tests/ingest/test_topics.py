from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.topics import FILTERS, MAX_NAME, Address, Lane, Subject, ack_topic, cmd_topic, parse_topic, topic_filters


@pytest.mark.parametrize("subject", list(Subject))
def test_a_topic_says_site_device_and_subject(subject: Subject) -> None:
    assert parse_topic(f"vigil/v1/shuibei/3-502/{subject}") == Address("shuibei", "3-502", subject)


def test_chinese_names_are_names() -> None:
    assert parse_topic("vigil/v1/水贝/一号楼 3-502/alarm") == Address("水贝", "一号楼 3-502", Subject.ALARM)


def test_names_may_have_64_characters_and_not_one_more() -> None:
    assert parse_topic(f"vigil/v1/{'s' * MAX_NAME}/{'d' * MAX_NAME}/alarm") is not None
    assert parse_topic(f"vigil/v1/{'s' * (MAX_NAME + 1)}/d/alarm") is None
    assert parse_topic(f"vigil/v1/s/{'d' * (MAX_NAME + 1)}/alarm") is None


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "vigil/v1/s/d",
        "vigil/v1/s/d/",
        "vigil/v1/s/d/alarm/",
        "/vigil/v1/s/d/alarm",
        "vigil/v2/s/d/alarm",
        "vigil/v1//d/alarm",
        "vigil/v1/s//alarm",
        "vigil/v1/s/d/ack",
        "vigil/v1/s/d/cmd",
        "vigil/v1/s/d/ALARM",
        "vigil/v1/+/d/alarm",
        "vigil/v1/s/#/alarm",
        "vigil/v1/s/a\0b/alarm",
        "vigil/v1/s/a\nb/alarm",
    ],
)
def test_other_topics_are_none_of_ours(topic: str) -> None:
    assert parse_topic(topic) is None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert parse_topic(text) is None
    address = parse_topic(f"vigil/v1/s/{text}/alarm")
    assert address is None or address.device == text


def test_each_lane_subscribes_to_its_subjects() -> None:
    assert FILTERS[Lane.ALARM] == ("vigil/v1/+/+/alarm",)
    assert FILTERS[Lane.TELEMETRY] == ("vigil/v1/+/+/readings", "vigil/v1/+/+/status")


def test_filters_can_be_narrowed_to_sites() -> None:
    assert topic_filters(Lane.ALARM, ["shuibei", "水贝"]) == ("vigil/v1/shuibei/+/alarm", "vigil/v1/水贝/+/alarm")
    with pytest.raises(ValueError, match="no site name"):
        topic_filters(Lane.ALARM, ["+"])


def test_what_we_publish_is_nothing_that_we_subscribe_to() -> None:
    assert ack_topic("s", "d") == "vigil/v1/s/d/ack"
    assert cmd_topic("s", "d") == "vigil/v1/s/d/cmd"
    assert parse_topic(ack_topic("s", "d")) is None
    assert parse_topic(cmd_topic("s", "d")) is None
