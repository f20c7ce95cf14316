"""Every board against the types that Grafana publishes: npm's @grafana/schema, checked by TypeScript's own compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.every import BOARDS
from deploy.boards.field import SEVERITIES, Cell, Column, Field, Line
from deploy.boards.link import Drill, field
from deploy.boards.map import geomap
from deploy.boards.panel import (
    Head,
    barchart,
    bargauge,
    gauge,
    heatmap,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
    trend,
)
from deploy.boards.query import Prom, Shape, Sql
from deploy.boards.variable import site

pytestmark = pytest.mark.real

PACKAGES = ("@grafana/schema@11.6.16", "typescript@5.7.3")
TYPES = Path(__file__).with_name("grafana_types.ts")
OPTIONS = (
    "--noEmit", "--strict", "--skipLibCheck", "--pretty", "false",
    "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler",
)  # fmt: skip

WORDS = Text("a word", "一个词")
FIELD = Field("none", links=(Drill("vigil-site", WORDS, {"site": field("site")}),), words=(SEVERITIES,))
SQL = Sql("SELECT 1")
LINE = Line("a", WORDS, "red", dashed=True)


def head(key: str) -> Head:
    return Head(key, WORDS, WORDS)


SAMPLE = Board(
    uid="vigil-sample",
    title=WORDS,
    about=WORDS,
    rows=(
        Row(
            WORDS,
            (
                barchart(head("barchart"), SQL, FIELD, x="a"),
                bargauge(head("bargauge"), SQL, FIELD),
                gauge(head("gauge"), SQL, FIELD),
                geomap(head("geomap"), SQL, FIELD, (), layer=WORDS, colour_by="a"),
                heatmap(head("heatmap"), Prom("up", "{{le}}", shape=Shape.HEATMAP), FIELD, unit="s"),
                stat(head("stat"), SQL, FIELD),
                statetimeline(head("states"), SQL, FIELD),
                table(head("table"), SQL, FIELD, (Column("a", None), Column("b", WORDS, cell=Cell.TEXT)), sort="b"),
                text(head("text"), WORDS),
                timeseries(head("series"), SQL, FIELD, (LINE,), calcs=("max",), limits=True),
                trend(head("trend"), SQL, FIELD, x="a"),
            ),
        ),
        Row(Text("folded", "折叠"), (stat(head("inside"), SQL, FIELD),), folded=True),
    ),
    variables=(site(),),
    incidents=True,
)
"""One panel of each kind; `test_the_sample_has_every_kind_of_panel_and_no_fault` holds it to that."""

MISSPELT = (
    # the board
    ('"graphTooltip"', '"graphToltip"'),
    ('"schemaVersion"', '"schemaversion"'),
    ('"refresh_intervals"', '"refreshIntervals"'),
    # its links, variables and annotations
    ('"keepTime"', '"keeptime"'),
    ('"type": "dashboards"', '"type": "boards"'),
    ('"includeAll"', '"includeall"'),
    ('"type": "query"', '"type": "querry"'),
    ('"iconColor"', '"iconColour"'),
    # any panel
    ('"gridPos"', '"gridPosition"'),
    ('"pluginVersion"', '"version"'),
    ('"type": "stat"', '"type": "stats"'),
    ('"collapsed": true', '"collapsed": "true"'),
    # queries
    ('"rawSql"', '"rawSQL"'),
    ('"legendFormat"', '"legend"'),
    ('"format": "heatmap"', '"format": "histogram"'),
    # values
    ('"noValue"', '"novalue"'),
    ('"unit": "none"', '"unit": 1'),
    ('"mode": "thresholds"', '"mode": "threshold"'),
    ('"type": "value"', '"type": "values"'),
    ('"targetBlank"', '"targetblank"'),
    # overrides
    ('"custom.hidden"', '"custom.hiden"'),
    ('"type": "color-text"', '"type": "colour-text"'),
    ('"fill": "dash"', '"fill": "dashes"'),
    ('"id": "byName"', '"id": "byname"'),
    # options of each kind
    ('"xTickLabelRotation"', '"xTickLabelRotate"'),
    ('"namePlacement"', '"nameplacement"'),
    ('"showThresholdMarkers"', '"showThresholdMarks"'),
    ('"basemap"', '"baseMap"'),
    ('"yAxis"', '"yaxis"'),
    ('"graphMode"', '"graphMod"'),
    ('"perPage"', '"perPages"'),
    ('"cellHeight"', '"cellheight"'),
    ('"mode": "markdown"', '"mode": "md"'),
    ('"placement": "right"', '"placement": "beside"'),
    ('"xField": "a"', '"xField": 1'),
    # options of the fields of each kind
    ('"axisSoftMin"', '"axissoftmin"'),
    ('"hideFrom"', '"hidden"'),
    ('"filterable"', '"filtered"'),
    ('"drawStyle": "line"', '"drawStyle": "lines"'),
    ('"thresholdsStyle"', '"thresholdStyle"'),
)
"""A misspelling each, of a word that stands in the sample."""


def lacking(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest) -> Path:
    """Return a directory with the npm packages; they are fetched once."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        lacking("npm and node are not on the PATH")
    directory: Path = request.config.cache.mkdir("grafana-schema-11.6.16")
    if not (directory / "node_modules" / "typescript").exists():
        fetched = subprocess.run(
            [str(npm), "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", directory, *PACKAGES],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if fetched.returncode != 0:
            lacking(f"npm could not fetch {PACKAGES}: {fetched.stderr}")
    return directory


def complaints(installed: Path, tmp_path: Path, boards: dict[str, str]) -> dict[str, list[str]]:
    """Return what the compiler has against each document, by its name."""
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    shutil.copy(TYPES, tmp_path)
    for name, written in boards.items():
        lines = ("import type { Board } from './grafana_types';", f"export const board: Board = {written};")
        (tmp_path / f"{name}.ts").write_text("\n".join(lines), "utf-8")
    compiler = installed / "node_modules" / "typescript" / "lib" / "tsc.js"
    done = subprocess.run(
        ["node", compiler, *OPTIONS, TYPES.name, *(f"{name}.ts" for name in boards)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout.splitlines()
    assert bool(said) == bool(done.returncode), done.stderr
    assert not [line for line in said if line.startswith((TYPES.name, "error"))], said
    return {name: [line for line in said if line.startswith(f"{name}.ts(")] for name in boards}


def test_every_board_is_of_the_published_types(installed: Path, tmp_path: Path) -> None:
    found = complaints(installed, tmp_path, {board.uid: board.json() for board in BOARDS})
    assert found == {board.uid: [] for board in BOARDS}


@pytest.fixture(scope="module")
def of_the_sample(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return what the compiler has against the sample, and against it with each misspelling by its place."""
    sample, documents = SAMPLE.json(), {"sample": SAMPLE.json()}
    for place, (right, wrong) in enumerate(MISSPELT):
        assert right in sample, f"the sample has no {right}: take another word to misspell"
        documents[f"case_{place}"] = sample.replace(right, wrong)
    return complaints(installed, tmp_path_factory.mktemp("sample"), documents)


def test_the_sample_has_every_kind_of_panel_and_no_fault(of_the_sample: dict[str, list[str]]) -> None:
    def kinds(board: Board) -> set[str]:
        return {panel.model.type_val for panel in board.panels}

    assert kinds(SAMPLE) >= set().union(*(kinds(board) for board in BOARDS))
    assert of_the_sample["sample"] == []


def test_a_misspelt_word_is_found_wherever_it_stands(of_the_sample: dict[str, list[str]]) -> None:
    assert not [words for place, words in enumerate(MISSPELT) if not of_the_sample[f"case_{place}"]]
