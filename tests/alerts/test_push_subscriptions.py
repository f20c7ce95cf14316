from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.command import Subscribe, Unsubscribe
from alerts.lifecycle import CommandRejected
from alerts.subscriptions import SubscriptionLimits, Subscriptions, read_subscription

POINT = base64.urlsafe_b64encode(b"\x04" + b"\x07" * 64).rstrip(b"=").decode()
AUTH = base64.urlsafe_b64encode(b"\x09" * 16).rstrip(b"=").decode()


def written(name: str = "a", **changes: Any) -> str:
    keys = {"p256dh": changes.pop("p256dh", POINT), "auth": changes.pop("auth", AUTH)}
    return json.dumps({"endpoint": f"https://push.example/{name}", "keys": keys} | changes)


def subscribe(person: str, name: str) -> Subscribe:
    return Subscribe(person=person, subscription=written(name), origin="page")


def unsubscribe(name: str) -> Unsubscribe:
    return Unsubscribe(endpoint=f"https://push.example/{name}", origin="page")


def names(subscriptions: Subscriptions, person: str) -> list[str]:
    return [one.endpoint.rsplit("/", 1)[1] for one in subscriptions.of(person)]


def test_a_person_has_several_browsers_and_each_only_once() -> None:
    subscriptions = Subscriptions()
    for name in ("a", "b", "a"):
        subscriptions.apply(subscribe("wang", name))
    assert names(subscriptions, "wang") == ["b", "a"]
    subscriptions.apply(unsubscribe("b"))
    subscriptions.apply(unsubscribe("never heard of"))
    assert names(subscriptions, "wang") == ["a"]
    assert names(subscriptions, "li") == []


def test_a_browser_that_another_person_signs_in_on_is_theirs() -> None:
    subscriptions = Subscriptions()
    subscriptions.apply(subscribe("wang", "a"))
    subscriptions.apply(subscribe("li", "a"))
    assert (names(subscriptions, "wang"), names(subscriptions, "li")) == ([], ["a"])


def test_one_browser_too_many_takes_the_place_of_the_persons_oldest_and_is_counted() -> None:
    subscriptions = Subscriptions(SubscriptionLimits(per_person=2))
    for name in ("a", "b", "c"):
        subscriptions.apply(subscribe("wang", name))
    assert (names(subscriptions, "wang"), subscriptions.displaced, len(subscriptions)) == (["b", "c"], 1, 2)


def test_beyond_the_bound_of_all_a_new_browser_is_refused_and_a_known_one_is_not() -> None:
    subscriptions = Subscriptions(SubscriptionLimits(total=1))
    subscriptions.apply(subscribe("wang", "a"))
    with pytest.raises(CommandRejected, match="1 browsers already"):
        subscriptions.apply(subscribe("li", "b"))
    subscriptions.apply(subscribe("li", "a"))
    assert names(subscriptions, "li") == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        '{"deep":' + "[" * 9_000,
        "",
        "{}",
        "[]",
        written(endpoint="http://push.example/a"),
        written(endpoint="https://push.example"),
        written(endpoint="https://user:word@push.example/a"),
        written(endpoint="https://[::1]/a"),
        written(endpoint="http://127.0.0.1.evil.example/a"),
        written(endpoint="https://push.example/" + "a" * 2_000),
        written(p256dh="AAAA"),
        written(p256dh=POINT.replace("B", "A", 1)),
        written(p256dh="not base64 at all!"),
        written(auth="AAAA"),
        written(auth="ä"),
    ],
)
def test_what_no_message_could_be_sent_to_is_rejected_and_changes_nothing(text: str) -> None:
    subscriptions = Subscriptions()
    subscriptions.apply(subscribe("wang", "a"))
    before = subscriptions.snapshot()
    with pytest.raises(CommandRejected):
        subscriptions.apply(Subscribe(person="wang", subscription=text, origin="page"))
    assert subscriptions.snapshot() == before


@given(st.text())
def test_no_text_breaks_the_fold(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_subscription(text)


def test_padding_of_the_keys_does_no_harm() -> None:
    assert read_subscription(written(p256dh=POINT + "=", auth=AUTH + "==")).endpoint == "https://push.example/a"


_STEPS = st.lists(
    st.one_of(
        st.builds(subscribe, st.sampled_from(["wang", "li"]), st.sampled_from("abcd")),
        st.builds(unsubscribe, st.sampled_from("abcd")),
    ),
    max_size=12,
)


@given(_STEPS, _STEPS)
def test_a_restored_fold_has_the_same_future(before: list[Any], after: list[Any]) -> None:
    limits = SubscriptionLimits(per_person=2, total=3)
    one = Subscriptions(limits)
    for step in before:
        _apply(one, step)
    other = Subscriptions(limits)
    other.restore(one.snapshot())
    for step in after:
        assert _apply(one, step) == _apply(other, step)
    assert one.snapshot() == other.snapshot()
    assert len(one) == sum(len(one.of(person)) for person in ("wang", "li"))


def _apply(subscriptions: Subscriptions, command: Subscribe | Unsubscribe) -> bool:
    try:
        subscriptions.apply(command)
    except CommandRejected:
        return False
    return True


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        Subscriptions().restore(b"\x09")
