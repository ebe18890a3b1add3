"""Streams are left out as training knows it; the whole table, on a toy bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")
pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("mido", reason="the training extra is not installed")

import soundfile
import torch
from toy_bundle import toy_plan, write_bundle

from hitpoint.cue import tokens
from hitpoint.cue.bundle import STARTER, load_bundle
from hitpoint.cue.generate import told_of
from hitpoint.cue.plan import Accent
from hitpoint.errors import HitpointError
from hitpoint.progress import SILENT
from hitpoint_training import flow
from hitpoint_training.ablation import STREAMS, Deaf, untrained
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.corpus.compose import compose
from hitpoint_training.dataset import batch_of
from hitpoint_training.evaluate.suite import Question, evaluate, write_report
from hitpoint_training.evaluate.table import GROUPS, tables
from hitpoint_training.evaluate_bundle import projection_of, rows_of, shuffle

FRAMES = 512
PLAN = compose(3, None, 16.0).plan


class Listening:
    """A model that keeps what it is told."""

    threads = 1

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def condition(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        self.told |= {f"cond {name}": value for name, value in told.items()}
        return {"aligned": np.ones((1, 16, FRAMES), np.float32)}

    def velocity(self, told: Mapping[str, Any]) -> Any:
        self.told |= {f"step {name}": value for name, value in told.items()}
        return np.zeros((1, 2, FRAMES), np.float32)

    def spectrum(self, z: Any, positions: Any, first: int) -> Any:
        raise AssertionError("nothing is decoded here")


def told_without(*streams: str) -> dict[str, Any]:
    """What reaches the graphs, as the engine hands it over."""
    model = Listening()
    deaf = Deaf(model, streams)
    told = told_of(PLAN, 0, FRAMES)
    attention = tokens.attention(PLAN, 0, FRAMES)[None]
    deaf.velocity({"tracks": told["tracks"], "attention": attention, **deaf.condition(told)})
    return model.told


@pytest.mark.parametrize("stream", sorted(STREAMS))
def test_the_engine_leaves_out_what_training_leaves_out(stream: str) -> None:
    tracks = told_of(PLAN, 0, FRAMES)["tracks"][0]
    window = batch_of([(np.zeros((2, FRAMES), np.float32), tracks, PLAN, 0)])
    wanted = flow.without(window, torch.tensor([True]), frozenset({stream}))
    told, whole = told_without(stream), told_without()
    assert np.array_equal(told["cond tracks"], wanted.tracks.numpy())
    assert np.array_equal(told["step tracks"], wanted.tracks.numpy())
    assert np.array_equal(told["step attention"], wanted.attention.numpy())
    assert np.array_equal(told["cond style"], wanted.style.numpy())
    assert np.array_equal(told["cond globals"], wanted.globals.numpy())
    assert told["step aligned"].max() == wanted.adapted.item()
    assert any(not np.array_equal(told[name], whole[name]) for name in whole), "something is left out"


def test_every_stream_of_training_can_be_left_out() -> None:
    assert set(STREAMS) == flow.EVERYTHING
    with pytest.raises(HitpointError, match="no stream 'smell'"):
        Deaf(Listening(), ["smell"])


def test_rows_and_shuffled_sounds(tmp_path: Path) -> None:
    rows = rows_of((1, 4), 4, ("tune",), controls=True)
    assert [row.name for row in rows] == ["1 steps", "4 steps", "without tune", "random weights"]
    assert [row.steps for row in rows] == [1, 4, 4, 4]
    (tmp_path / "a").mkdir()
    for index in range(4):
        (tmp_path / "a" / f"{index}.flac").write_text(str(index))
    shuffle(tmp_path / "a", tmp_path / "b")
    assert [(tmp_path / "b" / f"{index}.flac").read_text() for index in range(4)] == ["2", "3", "0", "1"]


def a_folder(folder: Path, count: int, seed: int) -> Path:
    """Pieces of seven seconds: a burst of noise at every accent."""
    folder.mkdir()
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        times = np.cumsum(rng.uniform(0.4, 1.0, 7))
        plan = toy_plan(7.0, tuple(Accent(float(time), 0.9) for time in times if time < 6.3))
        sound = rng.normal(0, 1e-3, (7 * 48_000, 2))
        for accent in plan.accents:
            first = round(accent.time * 48_000)
            sound[first : first + 4000] += rng.normal(0, 0.2, (4000, 1))[: len(sound) - first]
        soundfile.write(folder / f"{index:05d}.flac", sound, 48_000)
        (folder / f"{index:05d}.json").write_text(plan_to_json(plan))
    return folder


def test_the_whole_table_of_a_toy_bundle(tmp_path: Path) -> None:
    rows = ("composed", "1 steps", "without rhythm", "shuffled", "metronome", "silence")
    question = Question(
        write_bundle(tmp_path / "toy"),
        a_folder(tmp_path / "heldout", 2, 0),
        a_folder(tmp_path / "corpus", 9, 1),
tmp_path / "cache", rows, None, 9, 1, 1.0, 1, 1,
    )  # fmt: skip
    found = evaluate(question, SILENT)
    assert list(found) == ["corpus itself", *rows]
    assert found["composed"]["hit AUC"] > 0.95
    # The toy is 40 ms late, and hears the accents in the tracks only.
    assert found["1 steps"]["hit AUC"] > 0.7
    assert found["without rhythm"]["hit AUC"] < found["1 steps"]["hit AUC"] - 0.15
    assert found["shuffled"]["hit AUC"] < 0.7
    assert found["silence"]["hit AUC"] == pytest.approx(0.5)
    assert found["composed"]["in half a frame"] > 0.9 > found["shuffled"]["in half a frame"]
    assert found["composed"]["mel distance"] < found["silence"]["mel distance"]
    assert found["composed"]["LORIS F1"] == 1.0
    sounds = sorted((tmp_path / "cache").glob("toy-*/*/*.flac"))
    assert len(sounds) == 4
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert repr(evaluate(question, SILENT)) == repr(found)
    assert written == {path: path.stat().st_mtime_ns for path in written}, "nothing was made again"
    write_report(tmp_path / "report.json", question, found)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["rows"]["silence"]["hit AUC"] == pytest.approx(0.5)
    assert report["question"]["pieces"] == 2
    assert [len(table.columns) - 1 for table in tables(found)] == [len(names) for names in GROUPS.values()]


def test_the_codec_alone_is_a_row(tmp_path: Path) -> None:
    """The pieces through the shipped codec: nearly themselves, which generated music cannot be."""
    heldout, corpus = a_folder(tmp_path / "heldout", 2, 0), a_folder(tmp_path / "corpus", 9, 1)
    rows = ("composed", "codec", "silence")
    question = Question(STARTER, heldout, corpus, tmp_path / "cache", rows, None, 9, 1, 1.0, 1, 1)
    found = evaluate(question, SILENT)
    assert found["codec"]["hit AUC"] > 0.95
    assert found["codec"]["in 40 ms"] > 0.9
    assert (
        found["composed"]["mel distance"] < found["codec"]["mel distance"] < found["silence"]["mel distance"]
    )
    sounds = sorted((tmp_path / "cache").glob("starter-*/codec/*.flac"))
    assert [sound.stem for sound in sounds] == ["00000", "00001"]
    assert soundfile.info(sounds[0]).frames == 7 * 48_000


def test_random_weights_know_nothing_in_any_precision() -> None:
    """The network of int8 is one of learned weights: the control may not take it."""
    shipped = load_bundle(STARTER)
    assert "step" in shipped.int8
    drawn = untrained(shipped, 1)
    assert drawn.step != shipped.step
    assert set(drawn.int8) == set(shipped.int8) - {"step"}


def test_a_bundle_without_our_codec_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(HitpointError, match=r"has no .*synthesis"):
        projection_of(write_bundle(tmp_path / "toy"))


def test_unknown_rows_and_too_small_corpora_are_named_errors(tmp_path: Path) -> None:
    heldout = a_folder(tmp_path / "heldout", 2, 0)
    bundle = write_bundle(tmp_path / "toy")
    with pytest.raises(HitpointError, match="no row 'noise'"):
        evaluate(
            Question(bundle, heldout, heldout, tmp_path / "c", ("noise",), None, 9, 1, 1.0, 1, 1), SILENT
        )
    with pytest.raises(HitpointError, match="too few pieces"):
        evaluate(Question(bundle, heldout, heldout, tmp_path / "c", None, None, 9, 1, 1.0, 1, 1), SILENT)
