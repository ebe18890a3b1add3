"""From a plan to a finished cue: takes, the best of them, mastering, the file, and what was reached in it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from hitpoint.backends.threads import give_back
from hitpoint.cue.decode import identity
from hitpoint.cue.draft import Draft
from hitpoint.cue.ducking import Ducked
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.hits import chance, half_frame, hit_rate, match, strong
from hitpoint.cue.master import Master, master, to_24_bit
from hitpoint.cue.onsets import Onsets, Reader, onsets_of
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.sketch import Sketch, sketch_parts
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
    dip: Ducked | None = None,
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
        give_back()  # what rendering let go of; mastering takes as much anew
        finished = master(drafts[best].read, samples, last_sound(plan, hits), loudness, dip)
        levels = Levels(finished.loudness, finished.true_peak)
        z, positions = drafts[best].latents, drafts[best].positions
        sketch = Sketch(
            plan, tuple(hits), model.bundle.id, provenance.title, steps, guidance, frame_rate, lead_samples,
            finished.level, dip, z, (positions - identity(z.shape[1])).astype(np.float32),
        )  # fmt: skip
        # A function of its own, so that its copy of the latents is gone before the file is measured.
        asset = _write(finished, sketch, levels, seed, out, provenance, time_reference)
    off = f"The cue came out at {finished.undipped:.1f} LUFS instead of {loudness:.1f}."
    warnings = (off,) if abs(finished.undipped - loudness) > LOUDNESS_SLACK_LU else ()
    return report(asset, sketch, levels.loudness, model, warnings)


def _write(
    finished: Master,
    sketch: Sketch,
    levels: Levels,
    seed: int,
    out: Path,
    provenance: Provenance,
    time_reference: int,
) -> Asset:
    # Gain and dither in one thread, packing and hashing in the other.
    quantised = with_lead(to_24_bit(finished.blocks(), seed), sketch.lead_samples)
    with closing(ahead(quantised, depth=2)) as blocks:
        length = finished.samples + sketch.lead_samples
        return write_wav(out, blocks, length, provenance, levels, time_reference, sketch_parts(sketch))


def last_sound(plan: CuePlan, hits: Sequence[HitPoint]) -> float:
    """When the last sound begins, after which only its tail is heard."""
    return max([plan.end, *(hit.time for hit in hits)])


def report(
    asset: Asset, sketch: Sketch, loudness: float, model: CpuModel, warnings: tuple[str, ...] = ()
) -> Cue:
    """What was reached in a finished file, measured in it."""
    hits, tolerance = sketch.hits, half_frame(sketch.frame_rate)
    onsets = file_onsets(asset.path, sketch.lead_samples)
    rates = hit_rate(onsets, hits, tolerance), chance(onsets, hits, tolerance, sketch.plan.duration)
    warnings = (*model.warnings, *warnings, *_missed(match(onsets, strong(hits), tolerance)))
    return Cue(asset, match(onsets, hits, tolerance), *rates, loudness, model.backend, warnings)


def file_onsets(path: Path, lead_samples: int = 0) -> Onsets:
    """The attacks in a finished 48 kHz file, in seconds after its lead, in constant memory.

    Raises MediaError if the file cannot be read or has another rate.
    """
    try:
        with sound_of(path, lead_samples) as (read, samples):
            return onsets_of(read, samples)
    except soundfile.LibsndfileError as error:
        raise MediaError(f"{path} cannot be read: {error}.", "Make it again.") from error


@contextmanager
def sound_of(path: Path, lead_samples: int = 0) -> Generator[tuple[Reader, int]]:
    """A reader of a 48 kHz file after its lead, for any thread, and how many samples that has.

    Raises MediaError if it has another rate.
    """
    lock = threading.Lock()  # of the place in the file
    with soundfile.SoundFile(path) as file:
        if file.samplerate != SAMPLE_RATE:
            raise MediaError(f"{path} has {file.samplerate} samples per second.", "Give a 48 kHz file.")

        def read(start: int, stop: int) -> Floats:
            low, high = max(0, start + lead_samples), min(file.frames, stop + lead_samples)
            if low >= high:
                return np.zeros((2, stop - start), np.float32)
            with lock:
                file.seek(low)
                sound = np.asarray(file.read(high - low, dtype="float32", always_2d=True), np.float32).T
            before = low - start - lead_samples
            return np.pad(sound, ((0, 0), (before, stop - start - before - sound.shape[1])))

        yield read, file.frames - lead_samples


def _check(plan: CuePlan, out: Path) -> None:
    if not SHORTEST_S <= plan.duration <= LONGEST_S:
        raise UsageError(f"A cue cannot be {plan.duration:g} s long.", "Choose a range of up to 30 minutes.")
    if not out.parent.is_dir():
        raise OutputError(f"The folder {out.parent} does not exist.", "Create it or choose another.")


def with_lead(blocks: Iterator[NDArray[np.int32]], lead_samples: int) -> Iterator[NDArray[np.int32]]:
    """Silence, then the blocks."""
    if lead_samples:
        yield np.zeros((lead_samples, 2), np.int32)
    yield from blocks


def _missed(strong_hits: Sequence[HitReport]) -> tuple[str, ...]:
    missed = sum(not report.hit for report in strong_hits)
    if not missed:
        return ()
    return (f"{missed} of {len(strong_hits)} strong hit points were missed; more takes may help.",)
