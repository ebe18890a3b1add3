"""Shards: exact, checked, and read in an order that a resumed run finds again."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_run
import typer
from loris_data import loris_folder

from hitpoint.errors import MediaError, UsageError
from hitpoint.values import Floats
from hitpoint_training.data import shards as on_disk
from hitpoint_training.data.__main__ import check as check_shards
from hitpoint_training.data.check import check
from hitpoint_training.data.loris import Split
from hitpoint_training.data.sample import Sample, pack, unpack
from hitpoint_training.data.source import entries
from hitpoint_training.data.stream import Stream
from hitpoint_training.data.unpacked import pieces_folder

SPLIT = Split("dance", 5, "train")


def sample(key: str = "one", **changes: object) -> Sample:
    """A good sample with everything in it."""
    rng = np.random.default_rng(len(key))
    steps = rng.integers(-(2**23), 2**23, (2, 5 * 48_000))
    whole = Sample(
        key, "video", (steps / 2**23).astype(np.float32), 48_000, tiny_run.PLAN, ("beats",),
        rng.uniform(0.1, 1, (80, 17, 3)).astype(np.float32), 16.0,
        rng.normal(size=(10, 10)).astype(np.float32), 2.0,
        np.array([[1.0, 0.5, 0.0]], np.float32), 3, {"file": "ä.mp4"},
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_a_sample_comes_back_bit_by_bit() -> None:
    first = sample()
    again = unpack(first.key, pack(first))
    for name in ("sound", "pose", "video", "hits"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    for name in ("plan", "rate", "guessed", "genre", "notes", "source", "pose_rate", "video_rate"):
        assert getattr(first, name) == getattr(again, name)
    bare = unpack("bare", pack(sample("bare", plan=None, pose=None, video=None, hits=None, genre=None)))
    assert (bare.plan, bare.pose, bare.video, bare.hits, bare.genre) == (None, None, None, None, None)


@pytest.mark.parametrize("extension", ["flac", "plan.json", "pose.npy", "video.npy", "hits.npy"])
def test_a_flipped_bit_anywhere_is_seen(extension: str) -> None:
    members = pack(sample())
    data = bytearray(members[extension])
    data[len(data) // 2] ^= 4
    with pytest.raises(MediaError, match=f"{extension} is damaged"):
        unpack("one", {**members, extension: bytes(data)})
    with pytest.raises(MediaError, match="cannot be read"):
        unpack("one", {name: value for name, value in members.items() if name != extension})


def broken(rows: Floats | None) -> Floats:
    assert rows is not None
    copy = rows.copy()
    copy.flat[7] = np.nan
    return copy


FAULTS: list[tuple[str, Callable[[Sample], Sample]]] = [
    ("44100 Hz, 48000 are asked for", lambda s: replace(s, rate=44_100)),
    ("1 channels", lambda s: replace(s, sound=s.sound[:1])),
    ("sound holds values that are no numbers", lambda s: replace(s, sound=broken(s.sound))),
    ("too short", lambda s: replace(s, sound=s.sound[:, :96_000], plan=None)),
    ("silent", lambda s: replace(s, sound=s.sound * 0)),
    ("a plan of 5.00 s", lambda s: replace(s, sound=s.sound[:, : 4 * 48_000])),
    (r"shape \(80, 14, 3\)", lambda s: replace(s, pose=s.pose[:, :14] if s.pose is not None else None)),
    ("40 pose frames", lambda s: replace(s, pose=s.pose[:40] if s.pose is not None else None)),
    (
        "nobody is seen in 100%",
        lambda s: replace(s, source="composed", pose=np.zeros((80, 17, 3), np.float32)),
    ),
    ("pose holds values", lambda s: replace(s, pose=broken(s.pose))),
    ("7 video rows", lambda s: replace(s, video=s.video[:7] if s.video is not None else None)),
    ("video holds values", lambda s: replace(s, video=broken(s.video))),
]


@pytest.mark.parametrize(("said", "spoil"), FAULTS, ids=[said for said, _ in FAULTS])
def test_each_fault_has_a_name(said: str, spoil: Callable[[Sample], Sample]) -> None:
    assert check(sample()) is not None
    with pytest.raises(MediaError, match=said):
        check(spoil(sample()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eleven samples in shards of four."""
    on_disk.write_shards((sample(f"s{i:02d}") for i in range(11)), tmp_path / "shards", per_shard=4)
    return tmp_path / "shards"


def keys(stream: Stream, count: int, first: int = 0) -> list[str]:
    return [one.key for one in itertools.islice(stream.samples(first), count)]


def test_an_epoch_holds_each_sample_once_and_the_next_has_another_order(folder: Path) -> None:
    found = on_disk.find_shards(folder)
    assert [shard.count for shard in found] == [4, 4, 3]
    order = keys(Stream(found, 5), 22)
    assert sorted(order[:11]) == sorted(order[11:]) == [f"s{i:02d}" for i in range(11)]
    assert order[:11] != order[11:]
    assert order == keys(Stream(found, 5), 22)
    assert order != keys(Stream(found, 6), 22)


@pytest.mark.parametrize("first", [1, 6, 10, 11, 17])
def test_a_stream_goes_on_where_it_was_left(folder: Path, first: int) -> None:
    found = on_disk.find_shards(folder)
    assert keys(Stream(found, 5), 25)[first:] == keys(Stream(found, 5), 25 - first, first)


def test_processes_share_the_sequence(folder: Path) -> None:
    found = on_disk.find_shards(folder)
    whole = keys(Stream(found, 5), 20)
    parts = [keys(Stream(found, 5, rank, 2), 10) for rank in (0, 1)]
    assert [one for pair in zip(*parts, strict=True) for one in pair] == whole


def test_a_shard_that_is_cut_off_gives_what_it_holds_and_is_counted(folder: Path) -> None:
    found = on_disk.find_shards(folder)
    size = found[1].path.stat().st_size
    with found[1].path.open("r+b") as file:
        file.truncate(round(size * 0.6))
    with pytest.raises(MediaError, match=r"000001\.tar is damaged after \d of 4"):
        list(on_disk.read_shard(found[1]))
    stream = Stream(found, 5)
    held = set(keys(stream, 18))
    assert {f"s{i:02d}" for i in (0, 1, 2, 3, 8, 9, 10)} < held
    assert not {"s07"} & held
    assert stream.skipped.total() >= 1


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_a_shard_that_is_none_is_counted(folder: Path, content: bytes) -> None:
    found = on_disk.find_shards(folder)
    found[0].path.write_bytes(content)
    stream = Stream(found, 5)
    assert len(set(keys(stream, 14))) == 7
    assert any("000000.tar is damaged after 0 of 4" in why for why in stream.skipped)


def test_a_faulty_sample_is_skipped_and_counted(tmp_path: Path) -> None:
    samples = [sample(f"s{i}") for i in range(3)] + [sample("bad", sound=sample().sound * 0)]
    on_disk.write_shards(samples, tmp_path / "shards")
    stream = Stream(on_disk.find_shards(tmp_path / "shards"), 1)
    assert set(keys(stream, 6)) == {"s0", "s1", "s2"}
    assert stream.skipped["bad: its sound is silent."] >= 1


def test_nothing_but_faults_is_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    on_disk.write_shards([sample("bad", sound=sample().sound * 0)], tmp_path / "shards")
    with pytest.raises(MediaError, match="silent"):
        next(Stream(on_disk.find_shards(tmp_path / "shards"), 1).samples())


def test_a_folder_without_index_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Pack the data"):
        on_disk.find_shards(tmp_path)


# The readers --------------------------------------------------------------------------------------------


def test_the_command_packs_the_composed_corpus_and_training_finds_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tiny_run.corpus(tmp_path / "corpus")
    command = [sys.executable, "-m", "hitpoint_training.data"]
    done = subprocess.run(
        [*command, "pack", str(corpus), str(tmp_path / "shards")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 samples in 1 shards, 0 skipped" in done.stderr
    pieces = pieces_folder(tmp_path / "shards", tmp_path / "run")
    assert pieces_folder(corpus, tmp_path / "run") == corpus
    for file in sorted(corpus.glob("*.flac")):
        assert np.array_equal(soundfile.read(file)[0], soundfile.read(pieces / file.name)[0])
        assert file.with_suffix(".json").read_text() == (pieces / file.name).with_suffix(".json").read_text()
    shard = tmp_path / "shards" / "000000.tar"
    shard.write_bytes(shard.read_bytes()[:9000])
    with pytest.raises(typer.Exit) as ended:
        check_shards(tmp_path / "shards")
    assert ended.value.exit_code == 1
    assert "000000.tar is damaged" in capsys.readouterr().out


def test_the_lists_of_loris_belong_together_by_line(tmp_path: Path) -> None:
    found = list(entries(loris_folder(tmp_path)))
    assert [entry.name for entry in found] == ["gBR_0_seg0", "gBR_1_seg0", "gBR_2_seg0"]
    one = check(found[1].load())
    assert (one.rate, one.sound.shape, one.genre) == (22_050, (1, 5 * 22_050), 1)
    assert one.pose is not None
    assert one.video is not None
    assert (one.pose.shape, one.video.shape) == ((80, 17, 3), (10, 1024))
    wanted = np.load(tmp_path / "dance" / "pose2d_s5" / "gBR_1.npy")
    assert np.array_equal(one.pose, wanted.astype(np.float32))


def test_without_labels_there_is_no_genre(tmp_path: Path) -> None:
    assert next(iter(entries(loris_folder(tmp_path, genres=False)))).load().genre is None


def spoil_rate(root: Path) -> None:
    file = root / "dance" / "audio_s5" / "gBR_0_seg0.wav"
    soundfile.write(file, soundfile.read(file)[0], 16_000)


def spoil_features(root: Path) -> None:
    file = root / "dance" / "i3d_s5" / "gBR_0_seg0.npy"
    np.save(file, np.load(file) * np.nan)


def spoil_joints(root: Path) -> None:
    file = root / "dance" / "pose2d_s5" / "gBR_0.npy"
    np.save(file, np.load(file)[:, :12])


def spoil_length(root: Path) -> None:
    file = root / "dance" / "pose2d_s5" / "gBR_0.npy"
    np.save(file, np.load(file)[:60])


def spoil_pickle(root: Path) -> None:
    np.save(root / "dance" / "i3d_s5" / "gBR_0_seg0.npy", np.array([{"a": 1}], object))


def spoil_wav(root: Path) -> None:
    (root / "dance" / "audio_s5" / "gBR_0_seg0.wav").write_bytes(b"RIFF")


def spoil_missing(root: Path) -> None:
    (root / "dance" / "pose2d_s5" / "gBR_0.npy").unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_rate, "16000 Hz, 22050 are asked for"),
        (spoil_features, "video holds values that are no numbers"),
        (spoil_joints, r"shape \(80, 12, 3\)"),
        (spoil_length, "60 pose frames at 16 Hz"),
        (spoil_pickle, "cannot be read"),
        (spoil_wav, "cannot be read"),
        (spoil_missing, "listed and not there"),
    ],
)
def test_bad_data_of_loris_is_named(tmp_path: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(loris_folder(tmp_path))
    found = list(entries(tmp_path))
    with pytest.raises(MediaError, match=said):
        check(found[0].load())
    check(found[1].load())


def test_lists_of_different_lengths_are_named(tmp_path: Path) -> None:
    loris_folder(tmp_path)
    listed = tmp_path / "data" / "dance" / "dance_i3d_s5_train_segment.txt"
    listed.write_text("\n".join(listed.read_text().splitlines()[:2]))
    with pytest.raises(UsageError, match="different lengths"):
        list(entries(tmp_path))


def test_a_split_that_is_not_there_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to learn from"):
        list(entries(tmp_path))
    with pytest.raises(UsageError, match="fe_audio_s25_test_segment"):
        list(entries(loris_folder(tmp_path), None, Split("fe", 25, "test")))
