"""The ledger: what people's tables say, every fault of them, and that an export comes back exactly."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from devices import Device, Kind, LedgerFaults, Lifecycle, load_profiles, read_ledger, write_ledger
from devices.ledger import COLUMNS
from devices.ledger_cells import as_cell, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices import Profile

PROFILES = load_profiles()
EXAMPLE = Path(__file__).parents[2] / "deploy" / "ledger-example.csv"
HEADER = "site,device,kind,profile,grid,building,floor,unit,latitude,longitude,gateway,lifecycle\n"
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def csv_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "ledger.csv"
    file.write_bytes(text.encode(encoding))
    return file


def xlsx_of(folder: Path, rows: Sequence[Sequence[Any]]) -> Path:
    workbook = Workbook()
    for row in rows:
        workbook.worksheets[0].append(list(row))
    file = folder / "ledger.xlsx"
    workbook.save(file)
    return file


def faults_of(file: Path, profiles: dict[str, Profile], known: frozenset[str] = frozenset()) -> list[str]:
    with pytest.raises(LedgerFaults) as raised:
        read_ledger(file, profiles, known)
    assert str(raised.value) == "\n".join(raised.value.faults)
    return [fault.removeprefix(f"{file}: ") for fault in raised.value.faults]


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_example_that_is_shipped_is_without_fault(profiles: dict[str, Profile]) -> None:
    devices = read_ledger(EXAMPLE, profiles)
    assert len(devices) == 9
    assert devices[5].profile == "hydrant_indoor"
    assert devices[0] == Device(
        "shuibei", "smoke-0001", Kind.SMOKE, "smoke", "01", "1", "5", "502", 22.5735, 114.1235, "", Lifecycle.INSTALLED
    )


def test_profile_and_lifecycle_have_defaults(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    file = csv_of(tmp_path, "device,site,kind\nw1,shuibei,watch\n")
    assert read_ledger(file, profiles) == [Device("shuibei", "w1", Kind.WATCH, "watch")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_ledger_is_read_as_excel_writes_it(
    tmp_path: Path, profiles: dict[str, Profile], encoding: str
) -> None:
    text = (
        "社区,设备编号,类型,网格,楼栋,楼层,房号,纬度,经度,网关,状态\r\n"
        "水贝,烟感-1,烟感,一,12栋,5,502,22.57,114.12,网关-1,已安装\r\n"
        "水贝,网关-1,手表,,,,,,,,\r\n"
        ",,,,,,,,,,\r\n"
    )
    assert read_ledger(csv_of(tmp_path, text, encoding), profiles) == [
        Device(
            *("水贝", "烟感-1", Kind.SMOKE, "smoke", "一", "12栋", "5", "502", 22.57, 114.12),
            gateway="网关-1",
            lifecycle=Lifecycle.INSTALLED,
        ),
        Device("水贝", "网关-1", Kind.WATCH, "watch"),
    ]


def test_numbers_that_excel_made_floats_are_texts_again(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    rows = [["site", "device", "kind", "floor", "unit", "latitude", "longitude"]]
    file = xlsx_of(tmp_path, [*rows, ["s", 860374051096202.0, "smoke", -1, 502.0, 22, 114.5]])
    wanted = Device("s", "860374051096202", Kind.SMOKE, "smoke", floor="-1", unit="502", latitude=22.0, longitude=114.5)
    assert read_ledger(file, profiles) == [wanted]
    file = csv_of(tmp_path, "site,device,kind,floor,unit\ns,860374051096202,smoke,-1.0,502.0\n")
    assert [(device.floor, device.unit) for device in read_ledger(file, profiles)] == [("-1", "502")]


def test_what_follows_an_apostrophe_is_taken_as_it_stands(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    file = csv_of(tmp_path, "site,device,kind,unit\ns,d,smoke,'502.0\n")
    assert read_ledger(file, profiles)[0].unit == "502.0"


def test_a_gateway_may_be_a_later_row_or_one_registered_before(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    file = csv_of(tmp_path, "site,device,kind,gateway\ns,a,smoke,b\ns,b,smoke,gw\n")
    assert [device.gateway for device in read_ledger(file, profiles, {"s/gw"})] == ["b", "gw"]
    assert faults_of(file, profiles, frozenset({"t/gw"})) == [
        "row 3, column D (gateway): s/gw is neither in the ledger nor registered"
    ]


def test_rows_beyond_a_wrong_dimension_are_read_too(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    source = xlsx_of(tmp_path, [["site", "device", "kind"], ["s", "a", "smoke"], [], ["s", "b", "gas"]])
    file = tmp_path / "dimension.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'ref="A1:C4"', b'ref="A1"'))
    assert [device.name for device in read_ledger(file, profiles)] == ["a", "b"]


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_fault_is_told_with_row_and_column_and_nothing_is_imported(
    tmp_path: Path, profiles: dict[str, Profile]
) -> None:
    file = csv_of(
        tmp_path,
        "社区,设备编号,类型,profile,楼栋,纬度,经度,网关,状态\n"
        "s,good,smoke,,,,,,\n"
        "s,a/b,smok,,,90.1,180,,\n"
        "\n"
        f",c,gas,smoke,{'x' * 65},-91,nan,,gone\n"
        "s,good,watch,wrist,,22.5,,nobody,\n"
        "s,,tilt,,,,,,\n"
        "s,d+#,co,,2\u200b,1_0,0x1,d+#,\n",
    )
    kinds = "smoke, gas, co, hydrant, tank, watch, tilt, gateway, service, unknown"
    faults = faults_of(file, profiles)
    starts = [
        "row 3, column B (设备编号): 'a/b' holds /, which a level of an MQTT topic cannot",
        f"row 3, column C (类型): 'smok' is no kind; wanted one of {kinds}",
        "row 3, column F (纬度): '90.1' is no latitude; wanted degrees from -90 to 90",
        "row 5, column A (社区): is blank",
        "row 5, column D (profile): 'smoke' is for kind smoke, and the row's kind is gas",
        "row 5, column E (楼栋): has 65 characters; wanted at most 64",
        "row 5, column F (纬度): '-91' is no latitude",
        "row 5, column G (经度): 'nan' is no longitude",
        "row 5, column I (状态): 'gone' is no lifecycle; wanted one of unregistered, registered, installed",
        "row 6, column B (设备编号): s/good is already in row 2",
        "row 6, column D (profile): 'wrist' is no profile; wanted one of co, gas",
        "row 6, column F (纬度): one coordinate without the other",
        "row 6, column H (网关): s/nobody is neither in the ledger nor registered",
        "row 7, column B (设备编号): is blank",
        "row 8, column B (设备编号): 'd+#' holds # +",
        "row 8, column E (楼栋): '2\\u200b' holds a character that cannot be seen",
        "row 8, column F (纬度): '1_0' is no latitude",
        "row 8, column G (经度): '0x1' is no longitude",
        "row 8, column H (网关): is the device itself",
    ]
    assert len(faults) == len(starts), faults
    for fault, start in zip(faults, starts, strict=True):
        assert fault.startswith(start), fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "row 1: no column site; wanted a header row that has it"),
        ("s,a,smoke\n", "row 1, column A (s): is no column; wanted site, device, kind, profile"),
        ("site,kind\ns,smoke\n", "row 1: no column device"),
        ("site,device,kind,colour\ns,a,smoke,red\n", "row 1, column D (colour): is no column"),
        ("site,device,kind,社区\ns,a,smoke,s\n", "row 1, column D (社区): a second column site"),
        ("site,device,kind\ns,a,smoke,5\n", "row 2, column D: '5' stands under no heading"),
        ("site,device,kind,\ns,a,smoke,5\n", "row 2, column D: '5' stands under no heading"),
        ("site,device,kind\ns,8.60374E+14,smoke\n", "row 2, column B (device): 8.60374E+14 is what a spreadsheet"),
        ("site,device,kind\ns,a\0b,smoke\n", "row 2, column B (device): 'a\\x00b' holds a character that cannot be"),
        ('site,device,kind\ns,"a\nb",smoke\n', "row 2, column B (device): 'a\\nb' holds a character that cannot be"),
        ('site,device,kind\ns,"a"b,smoke\n', "is not CSV: line 2: "),
    ],
)
def test_a_broken_table_is_told(tmp_path: Path, profiles: dict[str, Profile], text: str, fault: str) -> None:
    faults = faults_of(csv_of(tmp_path, text), profiles)
    assert [found for found in faults if found.startswith(fault)], faults


def test_cells_that_excel_changed_or_computed_are_told(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    rows = [["site", "device", "kind", "unit"]]
    when = datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None)
    cells = [when, True, "=B2", "#N/A", 8.603740510962021e17]
    file = xlsx_of(tmp_path, [*rows, *(["s", f"d{n}", "smoke", cell] for n, cell in enumerate(cells))])
    starts = [
        "was made 2026-03-02",
        "was made True",
        "is a formula",
        "is the error #N/A",
        "is a number of more than 15",
    ]
    faults = faults_of(file, profiles)
    assert len(faults) == len(starts), faults
    for row, (fault, start) in enumerate(zip(faults, starts, strict=True), 2):
        assert fault.startswith(f"row {row}, column D (unit): {start}")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("ledger.csv", b"site,device,kind\n\xff\xff,a,smoke\n", "is neither UTF-8 nor GB18030: "),
        ("ledger.xlsx", b"site,device,kind\n", "is no Excel workbook (.xlsx): "),
        ("ledger.xlsx", b"", "is no Excel workbook (.xlsx): "),
        ("ledger.xls", b"", "is neither .csv nor .xlsx"),
        ("ledger.csv", None, "cannot be read: No such file or directory"),
        ("ledger.xlsx", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_ledger_is_told(
    tmp_path: Path, profiles: dict[str, Profile], name: str, content: bytes | None, fault: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    assert [found.startswith(fault) for found in faults_of(file, profiles)] == [True]


# ── there and back ───────────────────────────────────────────────────────────────────────────────────────────────────

TRICKY = [
    "",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "'x",
    "'",
    "''=",
    "502.0",
    "-1.0",
    "1.5",
    "1E+05",
    " x ",
    "007",
    'a"b,c',
    "_x0041_",
]
visible = st.characters(exclude_categories=["C", "Z"]) | st.just(" ")
fit_for_topics = visible.filter(lambda character: character not in "/+#")
texts = st.sampled_from(TRICKY) | st.text(visible, max_size=64)
names = st.sampled_from(["=2-1", "@x", "'x", "502.0", " x "]) | st.text(fit_for_topics, min_size=1, max_size=64)


def degrees(limit: float) -> st.SearchStrategy[float]:
    return st.floats(-limit, limit, allow_nan=False)


@st.composite
def ledgers(draw: st.DrawFn) -> list[Device]:
    keys = draw(st.lists(st.tuples(names, names), unique=True, max_size=6))
    devices = []
    for site, name in keys:
        profile = draw(st.sampled_from([*(kind.value for kind in Kind if kind is not Kind.EXTERNAL), "hydrant_indoor"]))
        kind = Kind.HYDRANT if profile == "hydrant_indoor" else Kind(profile)
        latitude, longitude = draw(st.just((None, None)) | st.tuples(degrees(90), degrees(180)))
        gateways = [other for its_site, other in keys if its_site == site and other != name]
        devices.append(
            Device(
                site,
                name,
                kind,
                profile,
                grid=draw(texts),
                building=draw(texts),
                floor=draw(texts),
                unit=draw(texts),
                latitude=latitude,
                longitude=longitude,
                gateway=draw(st.sampled_from(["", *gateways])),
                lifecycle=draw(st.sampled_from(Lifecycle)),
            )
        )
    return devices


@FEW
@given(devices=ledgers(), suffix=st.sampled_from([".csv", ".xlsx"]))
def test_an_export_is_imported_exactly(tmp_path: Path, devices: list[Device], suffix: str) -> None:
    file = tmp_path / f"ledger{suffix}"
    write_ledger(file, devices)
    assert read_ledger(file, PROFILES) == devices
    assert list(tmp_path.glob(".*")) == []


@given(st.text())
def test_a_cell_says_what_it_was_given_to_say(text: str) -> None:
    assert as_text(as_cell(text)) == text


@given(st.text())
def test_no_cell_is_run_by_a_spreadsheet(text: str) -> None:
    cell = as_cell(text)
    assert not cell.startswith(("=", "@", "+", "-")) or float(cell) == float(text)


def test_an_excel_export_holds_texts_where_it_says_texts(tmp_path: Path) -> None:
    file = tmp_path / "ledger.xlsx"
    write_ledger(file, [Device("s", "=2-1", Kind.SMOKE, "smoke", "#N/A", unit="0502", latitude=1.5, longitude=2)])
    header, row = load_workbook(file).worksheets[0].iter_rows()
    assert [cell.value for cell in header] == list(COLUMNS)
    values = {str(name.value): (cell.value, cell.data_type) for name, cell in zip(header, row, strict=True)}
    assert values["device"] == ("'=2-1", "s")
    assert values["grid"] == ("#N/A", "s")
    assert values["unit"] == ("0502", "s")
    assert values["latitude"] == (1.5, "n")


def test_a_csv_export_is_known_as_utf8_by_spreadsheet_programs(tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    write_ledger(file, [])
    assert file.read_bytes() == b"\xef\xbb\xbf" + HEADER.strip().encode() + b"\r\n"


def test_a_device_that_no_ledger_can_hold_stops_the_export_and_spares_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text("old")
    with pytest.raises(LedgerFaults) as raised:
        write_ledger(
            file, [Device("s", "a/b", Kind.SMOKE, "smoke", unit="x" * 65), Device("s", "b\n", Kind.GAS, "gas")]
        )
    assert len(raised.value.faults) == 3
    assert file.read_text() == "old"
    with pytest.raises(LedgerFaults, match=r"is neither \.csv nor \.xlsx"):
        write_ledger(tmp_path / "ledger.txt", [])
