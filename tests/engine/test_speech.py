"""Where people speak, and where they do not: made voices, real clips, music, noise."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from films import clip, whole
from voices import RATE, music, needs_flite, speaking_film, spoken

from hitpoint.errors import Cancelled
from hitpoint.progress import SILENT, Progress
from hitpoint.speech.detect import passages, speech_in, speech_of
from hitpoint.values import ClipInfo, MediaRange, Piece, Selection

EXACT_S = 0.15  # a chunk is 32 ms, and a consonant may come before the first one that is sure


def wav(path: Path, sound: np.ndarray) -> MediaRange:
    soundfile.write(path, sound, RATE)
    return MediaRange(path, Fraction(0), Fraction(len(sound), RATE))


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return spoken(tmp_path_factory.mktemp("voice"))


def mixed(voice: np.ndarray, at: float, under: np.ndarray, ratio_db: float) -> np.ndarray:
    """The voice from `at` seconds on, so many dB above what lies under it."""
    level = float(np.sqrt((voice**2).mean() / (under**2).mean())) * 10 ** (-ratio_db / 20)
    sound = under * np.float32(level)
    start = round(at * RATE)
    sound[start : start + len(voice)] += voice
    return sound / np.float32(np.abs(sound).max() * 1.1)


@needs_flite
@pytest.mark.parametrize("under", ["silence", "hungarian", "loop_tabla", "vibe", "noise"])
def test_a_voice_is_found_where_it_is(tmp_path: Path, voice: np.ndarray, under: str) -> None:
    seconds = len(voice) / RATE + 4
    ground = {
        "silence": lambda: np.full(round(seconds * RATE), 1e-6, np.float32),
        "noise": lambda: np.random.default_rng(1).normal(0, 0.1, round(seconds * RATE)).astype(np.float32),
    }.get(under, lambda: music(under, seconds))()
    found = speech_in(wav(tmp_path / "mix.wav", mixed(voice, 2.0, ground, 6.0)), SILENT)
    assert found
    assert found[0][0] == pytest.approx(2.0, abs=EXACT_S)
    over = 2.0 + len(voice) / RATE
    if under != "vibe":  # a passage of which is speech to the detector, beside real speech
        assert found[-1][1] == pytest.approx(over, abs=2 * EXACT_S)
    assert sum(min(end, over) - start for start, end in found if start < over) >= 0.8 * len(voice) / RATE


@pytest.mark.parametrize(
    "name", ["hungarian", "vibe", "loop_tabla", "loop_breakbeat", "loop_compus", "loop_industrial"]
)
def test_music_is_not_speech(tmp_path: Path, name: str) -> None:
    assert speech_in(wav(tmp_path / "music.wav", music(name, 20.0)), SILENT) == ()


@pytest.mark.parametrize("colour", ["white", "hum", "clicks", "silence"])
def test_noise_is_not_speech(tmp_path: Path, colour: str) -> None:
    time = np.arange(10 * RATE) / RATE
    rng = np.random.default_rng(2)
    sound = {
        "white": rng.normal(0, 0.1, len(time)),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * time) + 0.1 * np.sin(2 * np.pi * 150 * time),
        "clicks": (rng.random(len(time)) < 1e-4).astype(float),
        "silence": np.zeros(len(time)),
    }[colour]
    assert speech_in(wav(tmp_path / "noise.wav", sound), SILENT) == ()


@pytest.mark.parametrize("number", ["v01", "v03", "v07", "v09", "v10"])
def test_real_clips_without_speech(number: str) -> None:
    assert speech_in(whole(clip(number)), SILENT) == ()


def test_a_real_clip_with_a_voice() -> None:
    found = speech_in(whole(clip("v08")), SILENT)
    assert found[0][0] < 1
    assert 2 <= sum(end - start for start, end in found) <= 6


def shown(media: MediaRange, start: Fraction = Fraction(0)) -> Piece:
    info = ClipInfo(1, "a", "V1", start, media.duration, Fraction(25), media)
    return Piece(start, media.duration, info, media)


@needs_flite
def test_times_are_those_of_the_line_whatever_the_range_and_the_speed(
    tmp_path: Path, voice: np.ndarray
) -> None:
    """A voice at 3 s of a film: trimmed, slowed down, and reversed or frozen, which is no speech."""
    voice = voice[: RATE * 2]
    film = speaking_film(tmp_path / "film.mp4", 6.0, np.pad(voice, (3 * RATE, 0)))
    trimmed = MediaRange(film, Fraction(2), Fraction(4))
    slow = MediaRange(film, Fraction(2), Fraction(5), Fraction(4, 5))
    backwards = MediaRange(film, Fraction(6), Fraction(4), Fraction(-1))
    frozen = MediaRange(film, Fraction(4), Fraction(4), Fraction(0))
    pieces, at = [], Fraction(0)
    for media in (trimmed, slow, backwards, frozen):
        pieces.append(shown(media, at))
        at += media.duration
    info = pieces[0].clip
    assert info is not None
    found = speech_of(Selection(info, trimmed, Fraction(7), at, pieces=tuple(pieces)), SILENT)
    first = [span for span in found if span[0] < 4]
    second = [span for span in found if 4 <= span[0] < 9]
    assert first[0][0] == pytest.approx(1.0, abs=EXACT_S)
    assert second[0][0] == pytest.approx(4 + 1.25, abs=EXACT_S * 1.25)
    assert second[-1][1] == pytest.approx(4 + 1.25 + 2.5, abs=3 * EXACT_S)
    assert not [span for span in found if span[0] >= 9]


@needs_flite
def test_listening_can_be_cancelled(tmp_path: Path, voice: np.ndarray) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        speech_in(wav(tmp_path / "voice.wav", voice), progress)


def test_unsure_passages_count_only_beside_sure_ones() -> None:
    step = 512 / 16000
    likely = np.zeros(400)
    likely[100:120] = 0.97  # sure
    likely[135:145] = 0.6  # beside it
    likely[300:330] = 0.6  # alone
    likely[350:360] = 0.99  # too short
    assert passages(likely) == ((100 * step, 120 * step), (135 * step, 145 * step))
