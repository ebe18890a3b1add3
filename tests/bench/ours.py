"""Hitpoint's own figures: generation, decoding, first sound, memory, many at a time, and a real clip."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
from measure import Row, timed

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.draft import CHUNK_LATENTS
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.make import make_cue
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.sampler import noise
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.stream import preview
from hitpoint.cue.wav import Provenance
from hitpoint.parallel import ordered
from hitpoint.progress import SILENT
from hitpoint.values import GUIDANCE, SAMPLE_RATE, STEPS, Floats, HitPoint, TempoMap, TempoPoint

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media" / "video"
CLIP = MEDIA / "v01_aist_pop_solo_gtmusic.mp4"
LOOPS = 5


def hits(duration: float) -> list[HitPoint]:
    """About one hit point a second."""
    rng = np.random.default_rng(1)
    times = np.arange(0.8, duration - 1.0, 1.1)
    return [
        HitPoint(float(t), float(rng.uniform(0.4, 1))) for t in times + rng.uniform(-0.3, 0.3, len(times))
    ]


def plan(duration: float) -> CuePlan:
    accents = [Accent(hit.time, hit.strength) for hit in hits(duration)]
    return plan_cue(duration, accents, TempoMap((TempoPoint(0.0, 112.0),), 0.1), (), "pop", 0.6, 1)


def composer(model: CpuModel, duration: float, *, quick: bool = False) -> Composer:
    sampling = Sampling(1, STEPS, GUIDANCE, quick=quick)
    return Composer(plan(duration), model, model.bundle.manifest, sampling, SILENT)


def decode(model: CpuModel, z: Floats) -> None:
    """All chunks, side by side as a cue is rendered."""
    positions = identity(z.shape[1])

    def chunk(first: int) -> Floats:
        stop = min(first + CHUNK_LATENTS, z.shape[1])
        return decode_chunk(model, model.bundle.manifest, z, positions, first, stop)

    for _ in ordered(chunk, range(0, z.shape[1], CHUNK_LATENTS), model.threads):
        pass


def make(model: CpuModel, duration: float, out: Path) -> None:
    """A whole cue with measuring, correcting, mastering and the file."""
    origin = Provenance("Hitpoint bench", model.bundle.id, "0" * 64, 1, "pop")
    make_cue(
        plan(duration), hits(duration), model, seed=1, steps=STEPS, guidance=GUIDANCE, takes=1,
        loudness=-14.0, frame_rate=25.0, lead_samples=0, out=out, time_reference=0,
        provenance=origin, progress=SILENT,
    )  # fmt: skip


def generation(model: CpuModel, lengths: tuple[float, ...], runs: int) -> list[Row]:
    rows = []
    for duration in lengths:
        made = composer(model, duration)
        name = f"generation of {duration:g} s: network and decoder"
        rows.append(
            timed(
                name, lambda made=made: decode(model, made.compose()), duration, runs if duration < 300 else 3
            )
        )
    z = noise(1, 0, model.bundle.manifest.latent_channels, 0, 1504)
    rows.append(timed("decoder alone, 30 s", lambda: decode(model, z), 1504 / 50, runs))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "a.wav"
        rows.append(timed("a finished cue of 30 s: all but loading", lambda: make(model, 30, out), 30, runs))
    return rows


def first_sound(model: CpuModel, runs: int) -> list[Row]:
    """Until the first half second of a streamed cue is there: in a warm process, and from a new one."""

    def warm() -> None:
        next(preview(composer(model, 30, quick=True), 30 * SAMPLE_RATE))

    code = (
        "import time, sys; sys.path.insert(0, sys.argv[1]); import ours; "
        "model = ours.CpuModel(ours.load_bundle()); "
        "next(ours.preview(ours.composer(model, 30, quick=True), 30 * 48000)); print(time.monotonic())"
    )
    seconds = []
    for _ in range(runs):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds.append(float(done.stdout) - began)
    return [timed("first sound, warm", warm, 0, runs), Row("first sound, new process", tuple(seconds))]


def memory(lengths: tuple[float, ...], runs: int) -> list[tuple[float, list[float]]]:
    """(seconds of music, peak resident MB of `runs` processes that each make one such cue)."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import ours, measure; "
        "model = ours.CpuModel(ours.load_bundle()); ours.make(model, float(sys.argv[2]), Path(sys.argv[3])); "
        "print(measure.peak_memory())"
    )

    def peak(duration: float) -> float:
        with tempfile.TemporaryDirectory() as folder:
            told = [str(Path(__file__).parent), str(duration), f"{folder}/a.wav"]
            command = [sys.executable, "-c", code, *told]
            return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return [(duration, [peak(duration) for _ in range(runs)]) for duration in lengths]


_worker: list[CpuModel] = []


def _start() -> None:
    _worker.append(CpuModel(load_bundle(), threads=1))


def _one(number: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        make(_worker[0], 10, Path(folder) / f"{number}.wav")
    return 10.0


def throughput(workers: int = 2, jobs: int = 8) -> Row:
    """Many short cues over several processes, as `hitpoint batch` makes them, without pictures."""
    with ProcessPoolExecutor(workers, initializer=_start) as pool:
        list(pool.map(_one, range(workers)))  # loaded
        began = time.perf_counter()
        audio = sum(pool.map(_one, range(jobs)))
        spent = time.perf_counter() - began
    return Row(f"batch: {jobs} cues of 10 s by {workers} workers", (spent,), audio)


def looped(clip: Path, out: Path) -> Path:
    """The clip several times in a row, copied without encoding it again."""
    import av  # not above: the processes whose memory is measured read no films

    with av.open(str(out), "w") as target:
        made, shift = None, Fraction(0)
        for _ in range(LOOPS):
            with av.open(str(clip)) as source:
                stream = source.streams.video[0]
                made = made or target.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.stream = made
                    packet.pts += int(shift / stream.time_base)
                    packet.dts += int(shift / stream.time_base)
                    target.mux(packet)
                shift += stream.duration * stream.time_base
    return out


def pipeline(runs: int) -> list[Row]:
    """`hitpoint score` on 1080p dance in a new process, with its own account of the stages."""
    if not CLIP.exists():
        return []
    stages: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = looped(CLIP, folder / "dance.mp4")
        command = [
            sys.executable,
            "-m",
            "hitpoint",
            "score",
            str(clip),
            "-o",
            str(folder / "a.otio"),
            "--json",
        ]
        for _ in range(runs):
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            whole, result = time.perf_counter() - began, json.loads(done.stdout)
            duration = result["clip"]["duration"]
            for stage, spent in (
                ("watching the movement", result["timings"]["motion_s"]),
                ("making the cue", result["timings"]["generate_s"]),
                ("the whole command", whole),
            ):
                stages.setdefault(f"{stage}, {duration:.1f} s of 1080p", []).append(spent)
    return [Row(stage, tuple(spent), duration) for stage, spent in stages.items()]
