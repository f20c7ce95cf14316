"""The boards and alert rules as they are made: nothing stale, nothing on another, nothing in one language only."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from alerts.text import Text
from deploy.boards.__main__ import main
from deploy.boards.board import COLUMNS, Board, BoardFault, Row
from deploy.boards.every import BOARDS
from deploy.boards.field import Field, Step
from deploy.boards.generated import GRAFANA, made, stale
from deploy.boards.panel import Head, stat
from deploy.boards.query import Prom, Sql
from deploy.boards.words import both

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]")
MACROS = {"__timeFilter", "__timeFrom", "__timeTo", "__interval_ms", "__interval", "__timeGroup"}
GRAFANAS_OWN = {"__all", "__url_time_range", "__data", "__field", "__rate_interval", "__range"}
WORDS = Text("a word", "一个词")

each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


DOCUMENTS: dict[str, dict[str, Any]] = {board.uid: json.loads(board.json()) for board in BOARDS}


def document(board: Board) -> dict[str, Any]:
    read: dict[str, Any] = DOCUMENTS.get(board.uid) or json.loads(board.json())
    return read


def panels(board: Board) -> list[dict[str, Any]]:
    """Every panel of a board, rows and what is folded in them included."""
    return [one for panel in document(board)["panels"] for one in (panel, *panel.get("panels", ()))]


def shown(board: Board) -> list[dict[str, Any]]:
    return [panel for panel in panels(board) if panel["type"] != "row"]


def texts(node: object) -> Iterator[str]:
    """Every string anywhere in a document."""
    match node:
        case str():
            yield node
        case dict():
            for value in node.values():
                yield from texts(value)
        case list():
            for value in node:
                yield from texts(value)


def variables(board: Board) -> set[str]:
    return {variable.name for variable in board.variables}


def in_both_languages(text: str) -> bool:
    return bool(CHINESE.search(text) and ENGLISH.search(text))


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_files_are_what_the_code_makes() -> None:
    assert stale() == [], "run `python -m deploy.boards`, and commit what it writes"


def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-m", "deploy.boards", "--into", tmp_path], cwd=ROOT, env=environment, check=True)
    assert {path: (tmp_path / path).read_text("utf-8") for path in made()} == made()


def test_what_is_stale_is_named_with_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", str(tmp_path)]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(str(tmp_path / path) for path in made())
    assert main(["--check", "--into", str(tmp_path)]) == 0

    changed, gone, unknown = (
        tmp_path / "dashboards" / f"{name}.json" for name in ("vigil-service", "vigil-incident", "old")
    )
    changed.write_text(changed.read_text("utf-8").replace("30s", "31s"), "utf-8")
    gone.unlink()
    unknown.write_text("{}")
    assert main(["--check", "--into", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert {line.removeprefix("stale: ") for line in said.splitlines()[:-1]} == {str(changed), str(gone), str(unknown)}
    assert "python -m deploy.boards" in said

    assert main(["--into", str(tmp_path)]) == 0
    assert not unknown.exists()
    assert main(["--check", "--into", str(tmp_path)]) == 0


def test_another_panel_leaves_the_numbers_of_the_others_as_they_are() -> None:
    def board(*keys: str) -> Board:
        made = tuple(stat(Head(key, WORDS, WORDS), Sql("SELECT 1"), Field("none")) for key in keys)
        return Board("vigil-test", WORDS, WORDS, (Row(WORDS, made),))

    def numbers(*keys: str) -> Mapping[str, int]:
        return dict(zip(keys, [panel["id"] for panel in shown(board(*keys))], strict=True))

    before, after = numbers("a", "c"), numbers("a", "b", "c")
    assert before.items() <= after.items()
    with pytest.raises(BoardFault, match="a and a have the same number"):
        board("a", "a").json()


def test_a_panel_that_is_too_wide_is_a_fault() -> None:
    wide = stat(Head("wide", WORDS, WORDS, COLUMNS + 1), Sql("SELECT 1"), Field("none"))
    with pytest.raises(BoardFault, match="25 wide"):
        Board("vigil-test", WORDS, WORDS, (Row(WORDS, (wide,)),)).json()


def test_what_is_said_in_one_language_or_mixes_sources_is_refused() -> None:
    with pytest.raises(ValueError, match="one language"):
        both(Text("only English", ""))
    with pytest.raises(ValueError, match="both sources"):
        stat(Head("mixed", WORDS, WORDS), (Sql("SELECT 1"), Prom("up")), Field("none"))
    with pytest.raises(ValueError, match="lowest step"):
        stat(Head("steps", WORDS, WORDS), Sql("SELECT 1"), Field("none", steps=(Step(1, "red"),)))


# ── each board ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_boards_differ_in_uid_and_title() -> None:
    assert len({board.uid for board in BOARDS}) == len({board.title for board in BOARDS}) == len(BOARDS)
    assert all(re.fullmatch(r"vigil-[a-z]{1,34}", board.uid) for board in BOARDS)


@each_board
def test_every_panel_has_a_number_of_its_own(board: Board) -> None:
    numbers = [panel["id"] for panel in panels(board)]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < 2**31 for number in numbers)


@each_board
def test_no_panel_lies_on_another_or_outside(board: Board) -> None:
    places = [panel["gridPos"] for panel in panels(board) if panel["type"] == "row" or not _is_folded(board, panel)]
    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= COLUMNS
        assert place["h"] > 0
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def _is_folded(board: Board, panel: dict[str, Any]) -> bool:
    return any(panel in row.get("panels", ()) for row in document(board)["panels"])


@each_board
def test_every_panel_speaks_both_languages_and_has_a_unit_and_a_word_for_nothing(board: Board) -> None:
    read = document(board)
    assert in_both_languages(read["title"])
    assert in_both_languages(read["description"])
    assert all(in_both_languages(variable["label"]) for variable in read["templating"]["list"])
    assert all(in_both_languages(row["title"]) for row in read["panels"] if row["type"] == "row")
    for panel in shown(board):
        said = panel["title"]
        assert in_both_languages(panel["title"]) or said.count(" · ") == 1, said
        assert in_both_languages(panel["description"]), said
        chinese, english = panel["description"].split("\n\n", 1)
        assert CHINESE.search(chinese), said
        assert not CHINESE.search(english), said
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], said
        assert in_both_languages(defaults["noValue"]), said
        assert defaults["thresholds"]["steps"][0]["value"] is None, said


@each_board
def test_every_name_shown_to_people_is_in_both_languages(board: Board) -> None:
    for panel in shown(board):
        for override in panel["fieldConfig"]["overrides"]:
            for one in override["properties"]:
                if one["id"] == "displayName":
                    assert " · " in one["value"], (panel["title"], one)
                if one["id"] == "links":
                    assert all(in_both_languages(link["title"]) for link in one["value"]), panel["title"]


@each_board
def test_links_lead_to_boards_that_are_there_and_set_variables_that_they_have(board: Board) -> None:
    found = {one.uid: variables(one) for one in BOARDS}
    for node in (*shown(board), document(board)["links"]):
        for url in [text for text in texts(node) if text.startswith("/d/")]:
            path, _, query = url.partition("?")
            uids, ignored = [path.removeprefix("/d/")], set[str]()
            if "$" in uids[0]:  # a column says which; one that is about all devices does without the device
                assert isinstance(node, dict)
                uids, ignored = re.findall(r"'(vigil-\w+)'", node["targets"][0]["rawSql"]), {"device"}
            for uid in uids:
                assert uid in found, url
                assert set(re.findall(r"(?:^|&)var-(\w+)=", query)) - ignored <= found[uid], (uid, url)
                assert set(re.findall(r"\$\{(\w+):queryparam\}", query)) <= found[uid] & variables(board), url


@each_board
def test_what_is_filled_in_is_there(board: Board) -> None:
    """Variables that a query or title names are the board's; columns that a link or override names, the query's."""
    for text in texts(document(board)):
        named = set(re.findall(r"\$(?:\{)?([A-Za-z_]\w*)", text))
        assert named <= variables(board) | MACROS | GRAFANAS_OWN, text
    for panel in shown(board):
        asked = [target["rawSql"] for target in panel.get("targets", ()) if "rawSql" in target]
        if not asked:
            continue
        columns = set(re.findall(r"\w+", " ".join(asked)))
        named = set(re.findall(r'\$\{__data\.fields\["(\w+)"\]', json.dumps(panel).replace('\\"', '"')))
        if panel["type"] in {"table", "geomap", "barchart"} and "transformations" not in panel:
            named |= {
                override["matcher"]["options"]
                for override in panel["fieldConfig"]["overrides"]
                if override["matcher"]["id"] == "byName"
            }
        assert named <= columns, panel["title"]


@each_board
def test_variables_in_sql_stand_quoted_in_a_list_and_each_query_is_bounded(board: Board) -> None:
    read = document(board)
    asked = [target["rawSql"] for panel in shown(board) for target in panel.get("targets", ()) if "rawSql" in target]
    asked += [variable["query"] for variable in read["templating"]["list"] if variable["type"] == "query"]
    asked += [annotation["target"]["rawSql"] for annotation in read["annotations"]["list"]]
    for sql in asked:
        rest = re.sub(r"(?:IN|ARRAY)\s*[(\[]\$\{\w+:sqlstring\}[)\]]", "", sql)
        assert not re.search(r"\$\{", rest), sql
        assert set(re.findall(r"\$(__\w+)", sql)) <= MACROS, sql
        assert not sql.rstrip().endswith(";"), sql


# ── alert rules and provisioning ─────────────────────────────────────────────────────────────────────────────────────


def provisioned(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((GRAFANA / "provisioning" / name).read_text("utf-8"))
    return read


def rules() -> list[dict[str, Any]]:
    return [rule for group in provisioned("alerting/vigil-rules.yaml")["groups"] for rule in group["rules"]]


def test_alert_rules_say_what_is_wrong_and_what_to_do_in_both_languages() -> None:
    uids = [rule["uid"] for rule in rules()]
    assert len(set(uids)) == len(uids)
    for rule in rules():
        assert re.fullmatch(r"[a-z-]{1,40}", rule["uid"])
        assert in_both_languages(rule["title"])
        assert all(in_both_languages(rule["annotations"][name]) for name in ("summary", "action")), rule["uid"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["board"].removeprefix("/d/") in {board.uid for board in BOARDS}


def test_the_condition_of_each_alert_rule_rests_on_its_own_queries_of_known_sources() -> None:
    sources = {source["uid"] for source in provisioned("datasources/vigil.yaml")["datasources"]}
    for rule in rules():
        refs = {data["refId"]: data for data in rule["data"]}
        assert all(data["model"]["refId"] == ref for ref, data in refs.items())
        assert {data["datasourceUid"] for data in refs.values()} <= sources | {"__expr__"}
        condition = refs[rule["condition"]]["model"]
        named = set(re.findall(r"\$([A-Z])", condition["expression"])) or {condition["expression"]}
        assert named == set(refs) - {rule["condition"]}
        labels = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert labels <= set(re.findall(r"\w+", refs["A"]["model"]["rawSql"])), rule["uid"]


def test_alerts_go_where_the_contact_point_says() -> None:
    contact = provisioned("alerting/vigil-contact.yaml")
    there = {point["name"] for point in contact["contactPoints"]}
    named = {policy["receiver"] for policy in contact["policies"]}
    named |= {route["receiver"] for policy in contact["policies"] for route in policy["routes"]}
    assert named == there


def test_boards_ask_sources_that_are_provisioned_and_no_password_is_written_down() -> None:
    sources = provisioned("datasources/vigil.yaml")["datasources"]
    asked = {
        (target["datasource"]["type"], target["datasource"]["uid"])
        for board in BOARDS
        for panel in shown(board)
        for target in panel.get("targets", ())
    }
    assert asked <= {(source["type"], source["uid"]) for source in sources}
    text = (GRAFANA / "provisioning" / "datasources" / "vigil.yaml").read_text("utf-8")
    named = set(re.findall(r"\$__env\{(\w+)\}", text))
    assert named <= set(re.findall(r"^#   (\w+)  ", text, re.MULTILINE)), "say at the top what each is for"
    for source in sources:
        assert all(re.fullmatch(r"\$__env\{\w+\}", secret) for secret in source.get("secureJsonData", {}).values())
