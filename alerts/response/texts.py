"""The words of the response: its lines in a timeline, and what messages say besides the story of the incident."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from alerts.response.supervision import Colour, Stage
from alerts.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ALREADY_ON_IT",
    "ANEW",
    "CAUSES",
    "CROWDED",
    "DIGESTED",
    "ESCALATED",
    "EVERYBODY",
    "FAILED",
    "GONE",
    "HELP",
    "HELP_WANTED",
    "LAPSED",
    "LAPSED_TITLE",
    "MORE_WANTED",
    "NEED",
    "NEXT_CHANNEL",
    "NOBODY",
    "NOBODY_AT_ALL",
    "NO_ANSWER",
    "NO_RECEIPT",
    "OVERDUE",
    "PASSED",
    "REMINDED",
    "REPEATED",
    "STAGES",
    "SUPERVISED",
    "TAKE_OVER",
    "TOGETHER",
    "TOLD_WHY",
    "UNREACHED",
    "WARNED",
    "WHISTLED",
    "asked",
    "held",
    "why_asked",
]

# ── lines of a timeline ──────────────────────────────────────────────────────────────────────────────────────────────

_ASKED: Final = Text("{who} is asked by {channel}: {why}.", "已通过 {channel} 通知 {who} 处理：{why}。")
NEXT_CHANNEL: Final = Text("{who}: {reason}; now by {channel}.", "{who}：{reason}；改用 {channel}。")
NO_RECEIPT: Final = Text("no receipt by {channel} within {span}", "{channel} 在{span}内无回执")
NO_ANSWER: Final = Text("no answer by {channel} within {span}", "{channel} 在{span}内无人应答")
FAILED: Final = Text("{channel} did not get through ({detail})", "{channel} 未送达（{detail}）")
GONE: Final = Text("is in the directory no more", "已不在通讯录中")
CROWDED: Final = Text(
    "{count} people are meant, and the first {asked} are asked.", "应询问 {count} 人，仅询问前 {asked} 人。"
)
UNREACHED: Final = Text("{who}: {reason}, and no channel is left.", "{who}：{reason}，已无其他联系方式。")
NOBODY: Final = Text("Nobody can be asked in step {step}.", "第 {step} 步无人可通知。")
NOBODY_AT_ALL: Final = Text(
    "The chain reached nobody, and nobody has a contact: the console is told.",
    "升级链未联系到任何人，且无人有联系方式：转至控制台。",
)
EVERYBODY: Final = Text(
    "The chain reached nobody: everybody who has a contact is asked.", "升级链未联系到任何人：通知所有有联系方式的人。"
)
ESCALATED: Final = Text("Step {step} of {steps}: {cause}.", "升级至第 {step}/{steps} 步：{cause}。")
CAUSES: Final[Mapping[str, Text]] = {
    "time": Text("not enough people answered in time", "未在规定时间内获得足够响应"),
    "nobody": Text("the step before has nobody", "上一步无人"),
    "refused": Text("everybody of the step before refused", "上一步人员均已拒绝"),
    "help": Text("help is wanted", "请求支援"),
}
"""Why the next step is taken."""
REPEATED: Final = Text(
    "Not enough people have answered: round {round} begins.", "响应人数不足：开始第 {round} 轮通知。"
)
ANEW: Final = Text("{who} gave it back: people are asked again.", "{who} 已退回：重新通知。")
REMINDED: Final = Text("Half of the {span} {stage} is gone.", "{stage}时限{span}已过半。")
WARNED: Final = Text("Four fifths of the {span} {stage} are gone.", "{stage}时限{span}已过五分之四。")
OVERDUE: Final = Text("The {span} {stage} are over.", "{stage}时限{span}已超时。")
WHISTLED: Final = Text("It went up to {level}.", "已上报至{level}。")
LAPSED: Final = Text("{to} did not take it over; {who} still has it.", "{to} 未接手；仍由 {who} 负责。")
_HELD: Final = Text("A message to {who} is held back for a digest.", "发给 {who} 的消息暂缓，并入汇总。")
DIGESTED: Final = Text("{who} is told of it in a digest, by {channel}.", "已在汇总消息中通过 {channel} 告知 {who}。")

STAGES: Final[Mapping[Stage, Text]] = {
    Stage.ACCEPT: Text("to accept it", "受理"),
    Stage.DISPATCH: Text("to send somebody", "出动"),
    Stage.ARRIVE: Text("to arrive", "到场"),
    Stage.VERIFY: Text("to verify it", "核实"),
    Stage.RESOLVE: Text("to resolve it", "处置"),
}
SUPERVISED: Final[Mapping[Colour, Text]] = {
    Colour.BLUE: REMINDED,
    Colour.YELLOW: WARNED,
    Colour.RED: OVERDUE,
}

# ── in messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

_WHY: Final = Text(" You are asked to answer: {why}.", "请您响应：{why}。")
TOLD_WHY: Final = Text(" You are told of it: {why}.", "特此告知：{why}。")
NEED: Final = Text(" {need} people are needed, {answers} are on it.", "共需 {need} 人，已有 {answers} 人响应。")
MORE_WANTED: Final = Text(" {more} more needed.", "还需 {more} 人。")
HELP_WANTED: Final = Text(" {who} wants help.", "{who} 请求支援。")
TAKE_OVER: Final = Text("{who} hands it over to you", "{who} 请您接手")
ALREADY_ON_IT: Final = Text(" {who} is on it.", "{who} 正在处理。")
TOGETHER: Final = Text(" It belongs to incident {lead}.", "与事件 {lead} 归为一组。")
PASSED: Final[Mapping[Colour, Text]] = {
    Colour.BLUE: Text("Reminder: ", "提醒："),
    Colour.YELLOW: Text("Time is short: ", "即将超时："),
    Colour.RED: Text("Overdue: ", "已超时："),
}
"""What the title of a reminder or a whistle begins with."""
LAPSED_TITLE: Final = Text("Still yours: ", "仍由您负责：")
HELP: Final = Text("Help wanted: ", "请求支援：")

# ── said of the same few people again and again ──────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1024)
def asked(who: str, channel: str, why: Text) -> Text:
    """Say who is asked, by what and why."""
    return _ASKED.fill(who=who, channel=channel, why=why)


@lru_cache(maxsize=1024)
def held(who: str) -> Text:
    """Say whose message is held back."""
    return _HELD.fill(who=who)


@lru_cache(maxsize=1024)
def why_asked(why: Text) -> Text:
    """Say to somebody why they are asked; it follows the story of the incident."""
    return _WHY.fill(why=why)
