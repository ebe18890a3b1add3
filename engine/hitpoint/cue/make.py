"""From a plan to a finished cue: takes, the best of them, mastering, the file, and what was reached in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from hitpoint.cue.draft import Draft
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.hits import chance, half_frame, hit_rate, match, strong
from hitpoint.cue.master import Dip, master, to_24_bit
from hitpoint.cue.onsets import Onsets, onsets_of
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.stream import Heard
from hitpoint.cue.take import REPAINTS, Merit, make_take
from hitpoint.cue.wav import Levels, Provenance, write_wav
from hitpoint.errors import MediaError, OutputError, UsageError
from hitpoint.parallel import ahead
from hitpoint.progress import Progress
from hitpoint.values import SAMPLE_RATE, Asset, Floats, HitPoint, HitReport

SHORTEST_S, LONGEST_S = 0.02, 1800.0
LOUDNESS_SLACK_LU = 1.0


@dataclass(frozen=True, slots=True)
class Cue:
    """A finished sound file and how well it does what was asked.

    `hits` holds one report per request; the rates count the strong ones only. `chance_rate` is the hit
    rate that the same requests would have at other moments of the same music.
    """

    asset: Asset
    hits: tuple[HitReport, ...]
    hit_rate: float
    chance_rate: float
    loudness: float  # LUFS, as measured
    backend: str  # what ran the model, and why
    warnings: tuple[str, ...]


def make_cue(
    plan: CuePlan,
    hits: Sequence[HitPoint],
    model: CpuModel,
    *,
    seed: int,
    steps: int,
    guidance: float,
    takes: int,
    loudness: float,
    frame_rate: float,
    lead_samples: int,
    out: Path,
    time_reference: int,
    provenance: Provenance,
    progress: Progress,
    dip: Dip | None = None,
    heard: Heard | None = None,
) -> Cue:
    """Make the cue of `plan` whose accents land on `hits`, and write it to `out` as 24-bit BWF.

    `loudness` in LUFS, without the `dip` (see `master`); `frame_rate` of the picture sets the tolerance, half
    a frame; `lead_samples` of silence come first; `time_reference` is the record position of the file's
    first sample. `heard` gets the first take as it is composed, and that take then begins with a short
    window, which makes it other music. The file has round(duration * 48000) + lead_samples samples.
    Same arguments, same bytes.
    Raises UsageError, ModelBundleError, OutputError, Cancelled; then nothing is written.
    """
    _check(plan, out)
    samples, tolerance = round(plan.duration * SAMPLE_RATE), half_frame(frame_rate)
    manifest = model.bundle.manifest
    composer = Composer(
        plan, model, manifest, Sampling(seed, steps, guidance, quick=heard is not None), progress
    )
    with ExitStack() as stack, model.cancellable(progress):
        empty = (Draft(model, manifest, samples, out.parent) for _ in range(takes))
        drafts = [stack.enter_context(draft) for draft in empty]
        merits: list[Merit] = []
        for take, draft in enumerate(drafts):
            variant = composer.varied(plan, take * (REPAINTS + 1))
            listener = heard if take == 0 else None
            merits.append(make_take(draft, variant, hits, tolerance, listener))
        best = max(range(takes), key=lambda take: (merits[take].hit_rate, merits[take].evenness))
        progress.report("Mastering", 0.0)
        last = max((hit.time for hit in hits), default=0.0)
        finished = master(drafts[best].read, samples, max(plan.end, last), loudness, dip)
        levels = Levels(finished.loudness, finished.true_peak)
        # Gain and dither in one thread, packing and hashing in the other.
        quantised = _with_lead(to_24_bit(finished.blocks(), seed), lead_samples)
        with closing(ahead(quantised, depth=2)) as blocks:
            asset = write_wav(out, blocks, samples + lead_samples, provenance, levels, time_reference)
    onsets = file_onsets(out, lead_samples)
    rates = hit_rate(onsets, hits, tolerance), chance(onsets, hits, tolerance, plan.duration)
    warnings = _warnings(finished.undipped, loudness, match(onsets, strong(hits), tolerance))
    warnings = (*model.warnings, *warnings)
    return Cue(asset, match(onsets, hits, tolerance), *rates, levels.loudness, model.backend, warnings)


def file_onsets(path: Path, lead_samples: int = 0) -> Onsets:
    """The attacks in a finished 48 kHz file, in seconds after its lead, in constant memory.

    Raises MediaError if the file cannot be read or has another rate.
    """
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != SAMPLE_RATE:
                raise MediaError(f"{path} has {file.samplerate} samples per second.", "Give a 48 kHz file.")

            def read(start: int, stop: int) -> Floats:
                low, high = max(0, start + lead_samples), min(file.frames, stop + lead_samples)
                if low >= high:
                    return np.zeros((2, stop - start), np.float32)
                file.seek(low)
                sound = np.asarray(file.read(high - low, dtype="float32", always_2d=True), np.float32).T
                before = low - start - lead_samples
                return np.pad(sound, ((0, 0), (before, stop - start - before - sound.shape[1])))

            return onsets_of(read, file.frames - lead_samples)
    except soundfile.LibsndfileError as error:
        raise MediaError(f"{path} cannot be read: {error}.", "Make it again.") from error


def _check(plan: CuePlan, out: Path) -> None:
    if not SHORTEST_S <= plan.duration <= LONGEST_S:
        raise UsageError(f"A cue cannot be {plan.duration:g} s long.", "Choose a range of up to 30 minutes.")
    if not out.parent.is_dir():
        raise OutputError(f"The folder {out.parent} does not exist.", "Create it or choose another.")


def _with_lead(blocks: Iterator[NDArray[np.int32]], lead_samples: int) -> Iterator[NDArray[np.int32]]:
    if lead_samples:
        yield np.zeros((lead_samples, 2), np.int32)
    yield from blocks


def _warnings(loudness: float, target: float, strong_hits: Sequence[HitReport]) -> tuple[str, ...]:
    warnings: list[str] = []
    if abs(loudness - target) > LOUDNESS_SLACK_LU:
        warnings.append(f"The cue came out at {loudness:.1f} LUFS instead of {target:.1f}.")
    missed = sum(not report.hit for report in strong_hits)
    if missed:
        warnings.append(f"{missed} of {len(strong_hits)} strong hit points were missed; more takes may help.")
    return tuple(warnings)
