"""Real clips, scored by the engine as a user would, and what else could be played to the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from hitpoint.cue.bundle import Bundle
from hitpoint.cue.hits import half_frame
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.sketch import Sketch, read_sketch
from hitpoint.errors import UsageError
from hitpoint.media.probe import probe
from hitpoint.progress import SILENT, Progress
from hitpoint.score import score_seen
from hitpoint.see import see
from hitpoint.values import SAMPLE_RATE, ScoreRequest, ScoreResult
from hitpoint_training.data.videos import soundtrack
from hitpoint_training.evaluate.suite import METRONOME, SILENCE
from hitpoint_training.evaluate_bundle import Renderer, Row, folder_of, render_rows

GENERATED, AS_COMPOSED, OTHER = "generated", "as composed", "other picture"
RANDOM, OWN = "random weights", "own sound track"
SOUNDS = (GENERATED, AS_COMPOSED, OTHER, RANDOM, METRONOME, SILENCE, OWN)
"""The rows, in order. Only *generated* and, made the same way, *other picture* are aligned and mastered."""
_SILENT = 1e-3  # of full scale: a track that never gets louder is none

Sound = Path | Literal["metronome", "silence"] | None


@dataclass(frozen=True, slots=True)
class Clip:
    """A video, its score, and the sketch in the sound file, which has the plan that was used."""

    name: str
    result: ScoreResult
    sketch: Sketch
    own: Path | None  # its own sound track as WAV
    unheard: str  # why there is none; empty if there is

    @property
    def asked(self) -> CuePlan:
        """The plan with every hit point as an accent, also those left out as too near to another."""
        hits = tuple(Accent(hit.time, hit.strength) for hit in self.sketch.hits)
        return replace(self.sketch.plan, accents=hits)

    @property
    def tolerance(self) -> float:
        """Half a frame of this clip, in seconds."""
        return half_frame(self.sketch.frame_rate)


def score_clips(request: ScoreRequest, videos: Sequence[Path], bundle: Bundle, folder: Path,
                progress: Progress) -> list[Clip]:  # fmt: skip
    """Score every video as `request` says into a folder.

    Raises `UsageError` for what is no video, and what scoring raises.
    """
    model = CpuModel(bundle)
    clips: list[Clip] = []
    for index, video in enumerate(videos):
        progress.report(f"Scoring {video.name}", index / len(videos))
        mine = replace(request, timeline=video)
        seen = see(mine, SILENT)
        if not seen.timeline.is_media:
            raise UsageError(f"{video} is no video.", "Give the clips themselves, not a timeline.")
        out = folder / f"{index:03d}"
        out.mkdir()
        own, unheard = own_sound(video, float(seen.selection.duration), out / "own.wav")
        result = score_seen(seen, mine, model, out / "scored.otio")
        clips.append(Clip(video.stem, result, read_sketch(result.asset.path), own, unheard))
    return clips


def own_sound(video: Path, seconds: float, out: Path) -> tuple[Path | None, str]:
    """The video's own sound, from its first picture on, as WAV; or None and why there is none."""
    if not probe(video).has_audio:
        return None, "no sound track"
    sound = soundtrack(video, seconds)
    if not sound.size or np.abs(sound).max() < _SILENT:
        return None, "a silent sound track"
    soundfile.write(out, sound.T, SAMPLE_RATE, subtype="FLOAT")
    return out, ""


def sounds_for(clips: Sequence[Clip], request: ScoreRequest, bundle: Bundle, folder: Path,
               progress: Progress) -> dict[str, list[Sound]]:  # fmt: skip
    """For every row a sound for each clip, None where there is none.

    The sounds of *as composed* and *random weights* are files at `HEADROOM` of their level.
    """
    rows = (Row(AS_COMPOSED, request.steps), Row(RANDOM, request.steps, random=True))
    plans = [(f"{index:03d}", clip.sketch.plan) for index, clip in enumerate(clips)]
    render_rows(Renderer(bundle, request.guidance, request.seed), rows, plans, folder, progress)
    made = {row.name: [folder / folder_of(row.name) / f"{name}.flac" for name, _ in plans] for row in rows}
    sounds: dict[str, list[Sound]] = {
        GENERATED: [clip.result.asset.path for clip in clips],
        AS_COMPOSED: [*made[AS_COMPOSED]],
        OTHER: [other_sound(clips, index, folder / f"other-{index:03d}.wav") for index in range(len(clips))],
        RANDOM: [*made[RANDOM]],
        METRONOME: [METRONOME for _ in clips],
        SILENCE: [SILENCE for _ in clips],
        OWN: [clip.own for clip in clips],
    }
    return sounds


def other_sound(clips: Sequence[Clip], index: int, out: Path) -> Path | None:
    """The music of the clip half the list further on, cut or repeated to this one's length; None if alone."""
    if len(clips) < 2:
        return None
    other = clips[(index + len(clips) // 2) % len(clips)].result.asset.path
    sound, rate = soundfile.read(other, dtype="float32", always_2d=True)
    wanted = round(clips[index].sketch.plan.duration * rate)
    soundfile.write(out, np.resize(sound, (wanted, sound.shape[1])), rate, subtype="FLOAT")
    return out
