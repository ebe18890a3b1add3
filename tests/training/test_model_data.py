"""What the training sees: silence outside a piece, tracks that belong to their latents, endings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from hitpoint.cue.plan import Accent, Chord, CuePlan, Section
from hitpoint.errors import UsageError
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.dataset import AFTER, BEFORE, Corpus, find_pieces, read_sound

SECONDS, RATE = 8, 48_000
PLAN = CuePlan(
    float(SECONDS), 7.0, "waltz", 60.0, 3, tuple(float(t) for t in range(8)), (0.0, 3.0, 6.0),
    (Accent(2.0, 1.0),),
    (Chord(0.0, 0, (0, 4, 7), 0),), (Section(0.0, "groove", 0.5),), 0, False,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One piece whose sound and latents count the time: sample n is n / samples, frame j of latent 0 is j."""
    ramp = np.arange(SECONDS * RATE) / (SECONDS * RATE)
    soundfile.write(tmp_path / "00000.flac", np.stack([ramp, ramp], 1), RATE, subtype="PCM_24")
    (tmp_path / "00000.json").write_text(plan_to_json(PLAN))
    frames = BEFORE + 50 * SECONDS + AFTER
    latent = np.zeros((frames, 4), np.float16)
    latent[:, 0] = np.arange(frames)
    np.save(tmp_path / "00000.npy", latent)
    return tmp_path


def test_outside_the_file_there_is_silence(folder: Path) -> None:
    sound = read_sound(folder / "00000.flac", -100, SECONDS * RATE + 300)
    assert sound.shape == (2, SECONDS * RATE + 300)
    assert not sound[:, :100].any()
    assert not sound[:, -200:].any()
    assert sound[0, 100 + RATE] == pytest.approx(1 / SECONDS, abs=1e-5)


def test_windows_pair_latents_with_their_own_tracks(folder: Path) -> None:
    corpus = Corpus(find_pieces(folder), folder, seed=4)
    window = corpus.windows(64, 128)
    first = window.latent[:, 0, 0].numpy()
    for row, start in enumerate(first):
        accent = (BEFORE + 2 * 50) - int(start)
        track = window.tracks[row, 2].numpy()
        if 0 <= accent < 128:
            assert track[accent] == pytest.approx(1.0, abs=1e-3)
        assert track.sum() == pytest.approx(1.0 if 0 <= accent < 128 else 0.0, abs=1e-3)
    assert first.min() < BEFORE  # silence before the beginning
    assert first.max() + 128 > BEFORE + 50 * SECONDS  # and after the ending


def test_a_window_longer_than_the_piece_ends_in_silence(folder: Path) -> None:
    corpus = Corpus(find_pieces(folder), folder, seed=4)
    window = corpus.windows(2, 1024)
    assert window.latent.shape == (2, 4, 1024)
    assert not window.tracks[:, 8, -100:].any()


def test_crops_pair_sound_with_its_latents(folder: Path) -> None:
    latent, sound, frame = Corpus(find_pieces(folder), folder, seed=4).crops(16, 48)
    for row in range(16):
        start = int(frame[row]) // 2
        assert int(latent[row, 0, 0]) == start + BEFORE
        middle = (start + 12) * 960
        wanted = middle / (SECONDS * RATE) if 0 <= middle < SECONDS * RATE else 0.0
        assert float(sound[row, 0, 12 * 960]) == pytest.approx(wanted, abs=1e-4)


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Render the corpus"):
        find_pieces(tmp_path)
