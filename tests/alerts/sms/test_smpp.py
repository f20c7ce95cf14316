"""SMPP against a message centre over TCP."""

from __future__ import annotations

import asyncio
import struct
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiosmpplib.protocol import SmppMessage, SubmitSm  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.channels.channel import DeliveryError
from alerts.channels.inbound import Receipt, Reply
from alerts.channels.smpp import SmppChannel, SmppSettings
from alerts.channels.smpp.message import parts_of, validity
from alerts.channels.smpp.pdu import PduError, read_deliver
from alerts.channels.sms import gsm7
from alerts.channels.sms.text import compose
from alerts.incident import NotificationStatus
from tests.alerts import smpp_centre
from tests.alerts.smpp_centre import DELIVER, ENQUIRE, ROK, UNBIND, Centre, centre, deliver, receipt
from tests.alerts.sms.asking import BOTH, EN, NUMBER, T0, asked
from tests.support.inbox import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECEIVED, FAILED = NotificationStatus.RECEIVED, NotificationStatus.FAILED
LINK = "https://vigil.example/a/xyz"


class Line:
    """A channel and what came back on it."""

    def __init__(self, port: int, **changes: Any) -> None:
        fields = {
            "type": "smpp",
            "host": "127.0.0.1",
            "port": port,
            "system_id": "vigil",
            "password": "secret",
            "sender": "10690001",
            "answer_s": 1.0,
            "backoff_max_s": 0.05,
            **changes,
        }
        self.receipts: list[Receipt] = []
        self.replies: list[Reply] = []
        self.channel = SmppChannel(
            "smsc", SmppSettings.model_validate(fields), lambda _: LINK, self.hear, self.read, lambda: T0
        )

    async def hear(self, one: Receipt) -> None:
        self.receipts.append(one)

    async def read(self, one: Reply) -> None:
        self.replies.append(one)


@asynccontextmanager
async def line(far: Centre, **changes: Any) -> AsyncIterator[Line]:
    self = Line(far.port, **changes)
    try:
        await self.channel.open()
        yield self
    finally:
        await self.channel.close()


async def failure(out: Line, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        await out.channel.send(asked(**changes))
    assert "138" not in f"{raised.value.reason} {raised.value.__cause__!r}"
    return raised.value


async def test_chinese_goes_as_ucs_2_in_parts_that_belong_together() -> None:
    async with centre() as far, line(far) as out:
        handed = await out.channel.send(asked())
    text = compose(asked(), LINK)
    assert len(far.submitted) == 2
    assert handed.reference == "161"
    assert not handed.received
    first, second = far.submitted
    assert (first.data_coding, first.esm_class, first.registered, first.dest_ton) == (8, 0x40, 1, 1)
    assert (first.source, first.destination, first.validity) == ("10690001", "8613800138000", "000000010000000R")
    assert (first.header[:3], first.header[4:], second.header[4:]) == (b"\x05\x00\x03", b"\x02\x01", b"\x02\x02")
    assert first.header[3] == second.header[3]
    assert (first.text + second.text).decode("utf-16-be") == text
    assert len(first.octets) <= 140
    assert far.unbound == 1, "it says good-bye"


async def test_what_fits_one_part_has_no_header() -> None:
    async with centre() as far, line(far, parts=1) as out:
        await out.channel.send(asked(languages=EN))
        await out.channel.send(asked(languages=BOTH))
    english, both = far.submitted
    assert (english.data_coding, english.esm_class, english.header) == (0, 0, b"")
    assert gsm7.decode(english.octets).startswith("[ALARM] Gas")
    assert english.octets[:2] == b"\x1b<"
    assert (both.data_coding, both.esm_class) == (8, 0)


async def test_a_centre_without_the_gsm_alphabet_gets_ucs_2() -> None:
    async with centre() as far, line(far, has_gsm7=False, parts=3) as out:
        await out.channel.send(asked(languages=EN))
    assert {one.data_coding for one in far.submitted} == {8}
    assert "".join(one.text.decode("utf-16-be") for one in far.submitted).startswith("[ALARM] Gas")


async def test_a_client_of_another_make_reads_what_was_sent() -> None:
    async with centre() as far, line(far) as out:
        await out.channel.send(asked())
        await out.channel.send(asked(languages=EN))
    texts = []
    for one in far.submitted:
        read = SubmitSm.from_pdu(one.pdu, SmppMessage.parse_header(one.pdu[:16]), "gsm0338")
        assert isinstance(read, SubmitSm)
        assert (read.destination.number, read.registered_delivery) == ("8613800138000", 1)
        texts.append(read.short_message)
    assert "".join(texts) == compose(asked(), LINK) + compose(asked(languages=EN), LINK)


async def test_a_receipt_comes_once_when_all_parts_are_there() -> None:
    async with centre() as far, line(far) as out:
        handed = await out.channel.send(asked())
        one = far.push(DELIVER, receipt("161"))
        await until(lambda: one in far.answered)
        assert not out.receipts
        two = far.push(DELIVER, receipt("162"))
        await until(lambda: two in far.answered)
    assert out.receipts == [Receipt("smsc", RECEIVED, "DELIVRD", handed.reference, asked().id)]
    assert far.answered == {one: ROK, two: ROK}


async def test_one_part_that_failed_is_a_failure_at_once_and_only_once() -> None:
    async with centre() as far, line(far) as out:
        await out.channel.send(asked())
        numbers = [far.push(DELIVER, receipt(name, "UNDELIV", error="21A")) for name in ("162", "161")]
        await until(lambda: len(far.answered) == len(numbers))
    assert out.receipts == [Receipt("smsc", FAILED, "UNDELIV err 21A", "161", asked().id)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (receipt("161", done="270115080001"), RECEIVED),  # seconds, as many centres write them
        (receipt("161", "EXPIRED"), FAILED),
        (receipt("161", "REJECTD", error="00B"), FAILED),
        (receipt("161", "UNKNOWN"), NotificationStatus.UNKNOWN),
        (receipt("161", "ACCEPTD"), None),
        (receipt("161", "ENROUTE"), None),
        (deliver(b"", esm_class=4, tags=struct.pack("!HH4sHHB", 0x1E, 4, b"161\0", 0x427, 1, 2)), RECEIVED),
        (deliver(b"", esm_class=4, tags=struct.pack("!HH4sHHB", 0x1E, 4, b"161\0", 0x427, 1, 5)), FAILED),
        (receipt("999", "UNDELIV", tags=struct.pack("!HH4sHHB", 0x1E, 4, b"161\0", 0x427, 1, 2)), RECEIVED),
        (receipt("161", tags=struct.pack("!HH3s", 0x1400, 3, b"abc")), RECEIVED),  # a vendor's own
        (deliver(b"id:161 stat:delivrd", esm_class=4), RECEIVED),
    ],
)
async def test_receipts_in_every_form(body: bytes, status: NotificationStatus | None) -> None:
    async with centre() as far, line(far, parts=1) as out:
        await out.channel.send(asked())
        number = far.push(DELIVER, body)
        await until(lambda: number in far.answered)
    assert [one.status for one in out.receipts] == ([] if status is None else [status])
    assert far.answered[number] == ROK
    assert all((one.reference, one.notification) == ("161", asked().id) for one in out.receipts)


@pytest.mark.parametrize("form", ["in answers", "in receipts"])
async def test_ids_that_are_hexadecimal_on_one_side_are_the_same(form: str) -> None:
    async with centre() as far, line(far, parts=1, hex_ids=form) as out:
        far.hex_ids = form == "in answers"
        handed = await out.channel.send(asked())
        far.push(DELIVER, receipt("161" if far.hex_ids else "a1"))
        await until(lambda: bool(out.receipts))
    assert handed.reference == out.receipts[0].reference == "161"
    assert out.receipts[0].notification == asked().id


async def test_a_receipt_that_overtakes_its_answer_is_of_that_message() -> None:
    async with centre() as far, line(far, parts=1) as out:
        far.early, far.receipts = True, receipt
        handed = await out.channel.send(asked())
        await until(lambda: bool(out.receipts))
    assert out.receipts == [Receipt("smsc", RECEIVED, "DELIVRD", handed.reference, asked().id)]


async def test_a_receipt_of_before_the_start_is_passed_on_by_its_reference() -> None:
    async with centre() as far, line(far) as out:
        await until(lambda: out.channel.is_bound)
        far.push(DELIVER, receipt("77"))
        await until(lambda: bool(out.receipts))
    assert out.receipts == [Receipt("smsc", RECEIVED, "DELIVRD", "77")]
    assert out.channel.forgotten == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (deliver(b"4821 1"), "4821 1"),
        (deliver("4821 接受".encode("utf-16-be"), data_coding=8), "4821 接受"),
        (deliver("4821 接受".encode("gb18030"), data_coding=15), "4821 接受"),
        (deliver("4821 é".encode("latin-1"), data_coding=3), "4821 é"),
        (deliver(b"\x05\x00\x03\x07\x02\x014821 2", esm_class=0x40), "4821 2"),
        (deliver(b"", tags=struct.pack("!HH6s", 0x424, 6, b"4821 3")), "4821 3"),
        (deliver(b"", tags=b""), ""),
    ],
)
async def test_what_people_send_comes_as_a_reply(body: bytes, text: str) -> None:
    async with centre() as far, line(far) as out:
        await until(lambda: out.channel.is_bound)
        number = far.push(DELIVER, body)
        await until(lambda: number in far.answered)
    assert out.replies == [Reply("smsc", NUMBER, text, T0)]
    assert far.answered[number] == ROK


async def test_garbage_is_refused_for_good_and_the_line_stays() -> None:
    whole = receipt("161")
    async with centre() as far, line(far, parts=1) as out:
        await out.channel.send(asked())
        numbers = [far.push(DELIVER, body) for body in (b"", b"\0", whole[:30], whole + b"\0", b"\xff" * 300)]
        strange = far.push(0x103, b"")
        await until(lambda: len(far.answered) == len(numbers) and bool(far.nacked))
        assert {far.answered[number] for number in numbers} == {0x65}
        assert strange not in far.answered
        far.push(DELIVER, whole)
        await until(lambda: bool(out.receipts))
    assert far.binds == 1


async def test_a_busy_centre_is_tried_again_part_by_part() -> None:
    async with centre() as far, line(far) as out:
        far.statuses = [ROK, smpp_centre.RTHROTTLED, smpp_centre.RMSGQFUL, ROK]
        began = time.monotonic()
        await out.channel.send(asked())
        assert time.monotonic() - began >= 0.7
    assert [one.header[-1] for one in far.submitted] == [1, 2, 2, 2], "the part that was taken is not sent again"


@pytest.mark.parametrize(
    ("status", "retry", "unknown"),
    [
        (smpp_centre.RTHROTTLED, True, False),
        (smpp_centre.RINVDSTADR, False, False),
        (0x08, True, False),
        (0x4FF, False, False),
    ],
)
async def test_a_refusal_says_whether_to_try_again(status: int, retry: bool, unknown: bool) -> None:
    async with centre() as far, line(far, parts=1, answer_s=0.3) as out:
        far.statuses = [status]
        error = await failure(out)
    assert (error.retry, error.unknown) == (retry, unknown)


async def test_no_answer_is_unknown() -> None:
    async with centre() as far, line(far, parts=1, answer_s=0.2) as out:
        far.statuses = [None]
        error = await failure(out)
    assert (error.retry, error.unknown, error.reason) == (False, True, "no answer within 0.2 s")


async def test_a_connection_that_is_lost_before_the_answer_leaves_it_unknown() -> None:
    async with centre() as far, line(far, parts=1) as out:
        far.statuses = [None]
        sending = asyncio.create_task(failure(out))
        await until(lambda: bool(far.submitted))
        far.cut()
        error = await sending
        assert (error.retry, error.unknown) == (False, True)
        far.statuses = [ROK]
        await out.channel.send(asked())  # it is bound again by itself
    assert far.binds == 2


async def test_it_comes_back_after_the_centre_was_away() -> None:
    async with centre() as far:
        port = far.port
        out = Line(port)
        await out.channel.send(asked())
    await until(lambda: not out.channel.is_bound)
    error = await failure(out)
    assert (error.retry, error.unknown) == (True, False)
    assert error.reason.startswith("not bound: ")
    async with centre(port) as far:
        await out.channel.send(asked())
        await out.channel.close()


async def test_an_unbind_of_the_centre_is_answered_and_the_line_made_anew() -> None:
    async with centre() as far, line(far) as out:
        await until(lambda: out.channel.is_bound)
        number = far.push(UNBIND)
        await until(lambda: far.binds == 2)
        assert far.answered[number] == ROK
        await out.channel.send(asked())


async def test_the_centre_may_ask_whether_we_live() -> None:
    async with centre() as far, line(far) as out:
        await until(lambda: out.channel.is_bound)
        number = far.push(ENQUIRE)
        await until(lambda: number in far.answered)
    assert far.answered[number] == ROK


async def test_an_idle_centre_is_asked_whether_it_lives_and_left_where_it_does_not() -> None:
    async with centre() as far, line(far, enquire_s=0.05, answer_s=0.1):
        await until(lambda: far.enquiries >= 3)
        assert far.binds == 1
        far.answers_enquiries = False
        await until(lambda: far.binds >= 2)


async def test_a_wrong_password_is_said_and_tried_again_in_growing_steps() -> None:
    async with centre() as far, line(far, password="other", answer_s=0.2) as out:
        error = await failure(out)
        assert error.reason == "not bound: bind refused: ESME_RINVPASWD"
        assert error.retry
        await until(lambda: far.binds >= 2)


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400 Bad Request\r\n\r\n", struct.pack("!IIII", 5, 1, 1, 1), b"\xff" * 64])
async def test_what_is_no_smpp_is_left(junk: bytes) -> None:
    async with centre() as far, line(far) as out:
        far.junk = junk
        await until(lambda: far.binds == 2 and out.channel.is_bound)
        await out.channel.send(asked())


async def test_a_centre_that_does_not_answer_the_bind_is_left() -> None:
    async with centre() as far, line(far, answer_s=0.1) as out:
        far.silent = True
        error = await failure(out)
        assert error.retry
        far.silent = False
        await until(lambda: out.channel.is_bound)


async def test_a_slow_journal_makes_the_centre_wait_and_loses_nothing() -> None:
    async with centre() as far, line(far) as out:
        gate = asyncio.Event()
        read = out.read

        async def slow(one: Reply) -> None:
            await gate.wait()
            await read(one)

        out.channel._on_reply = slow
        await until(lambda: out.channel.is_bound)
        numbers = [far.push(DELIVER, deliver(b"%d" % n)) for n in range(1_500)]
        await until(lambda: bool(far.answered))
        assert set(far.answered.values()) == {smpp_centre.RMSGQFUL}, "nothing is taken that is not written yet"
        await out.channel.send(asked())  # and sending goes on
        gate.set()
        await until(lambda: len(far.answered) == len(numbers))
    taken = sum(status == ROK for status in far.answered.values())
    assert taken == len(out.replies) >= 1_000


async def test_receipts_that_are_slow_to_place_keep_nobodys_answer_waiting() -> None:
    async with centre() as far, line(far) as out:
        gate = asyncio.Event()

        async def slow(_: Receipt) -> None:
            await gate.wait()

        out.channel._on_receipt = slow
        await until(lambda: out.channel.is_bound)
        for number in range(100):
            far.push(DELIVER, receipt(str(number)))
        far.push(DELIVER, deliver(b"4821 1"))
        await until(lambda: bool(out.replies))
        gate.set()
        await until(lambda: len(far.answered) == 101)


async def test_a_fault_of_ours_is_not_hidden() -> None:
    async with centre() as far:
        out = Line(far.port)

        async def broken(_: Reply) -> None:
            raise ZeroDivisionError

        out.channel._on_reply = broken
        await out.channel.open()
        await until(lambda: out.channel.is_bound)
        far.push(DELIVER, deliver(b"1"))
        await until(lambda: not out.channel.is_bound)
        with pytest.raises(ZeroDivisionError):
            await out.channel.send(asked())
        with pytest.raises(ZeroDivisionError):
            await out.channel.close()


async def test_many_at_once_each_get_their_own_answer_and_receipt() -> None:
    async with centre() as far, line(far, parts=1, window=50) as out:
        far.receipts = receipt
        began = time.monotonic()
        messages = [asked(id=f"N{n:04}", address=f"1380013{n:04}") for n in range(1_000)]
        handed = await asyncio.gather(*(out.channel.send(one) for one in messages))
        took_s = time.monotonic() - began
        await until(lambda: len(out.receipts) == 1_000)
    assert len({one.reference for one in handed}) == 1_000
    by_reference = {one.reference: one.notification for one in out.receipts}
    assert [by_reference[one.reference] for one in handed] == [one.id for one in messages]
    assert took_s < 5.0


async def test_an_address_that_is_no_number_is_refused_for_good() -> None:
    async with centre() as far, line(far) as out:
        error = await failure(out, address="li@example.com")
    assert (error.retry, error.reason) == (False, "not a telephone number")
    assert not far.submitted


async def test_national_numbers_where_the_centre_wants_them() -> None:
    async with centre() as far, line(far, number_form="national", dest_ton=2) as out:
        await out.channel.send(asked())
    assert {(one.destination, one.dest_ton) for one in far.submitted} == {("13800138000", 2)}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=600), st.booleans())
def test_parts_fit_and_make_the_text_again(text: str, has_gsm7: bool) -> None:
    parts = parts_of(text, "N1", has_gsm7=has_gsm7)
    read = ""
    for number, part in enumerate(parts, 1):
        octets = part.octets
        if part.has_header:
            assert octets[:3] == b"\x05\x00\x03"
            assert octets[4:6] == bytes((len(parts), number))
            octets = octets[6:]
        room = (153 if part.has_header else 160) if part.data_coding == 0 else (134 if part.has_header else 140)
        assert len(octets) <= room
        read += gsm7.decode(octets) if part.data_coding == 0 else octets.decode("utf-16-be")
    assert read == text
    assert has_gsm7 or all(part.data_coding == 8 for part in parts)


def test_a_repeat_fits_its_first_try_and_another_message_does_not() -> None:
    first, again, other = (parts_of("火" * 100, f"N{number}")[0].octets[3] for number in (1, 1, 2))
    assert first == again != other


@given(st.binary(max_size=300))
def test_any_deliver_sm_is_read_or_refused(body: bytes) -> None:
    try:
        read_deliver(body)
    except PduError:
        return


@pytest.mark.parametrize(
    ("left_s", "said"),
    [(0, ""), (-5, ""), (61, "000000000101000R"), (90_061, "000001010101000R"), (1e9, "000003000000000R")],
)
def test_a_message_is_of_no_use_after_its_time(left_s: float, said: str) -> None:
    assert validity(left_s) == said


@pytest.mark.parametrize("wrong", [{"system_id": "x" * 16}, {"port": 0}, {"dest_ton": 7}, {"tyop": 1}, {"parts": 0}])
def test_settings_that_cannot_work_are_said(wrong: dict[str, Any]) -> None:
    fields = {"type": "smpp", "host": "h", "system_id": "v", "password": "hush-hush"}
    with pytest.raises(ValidationError):
        SmppSettings.model_validate({**fields, **wrong})
    assert "hush-hush" not in repr(SmppSettings.model_validate(fields))
