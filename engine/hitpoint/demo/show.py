"""`hitpoint demo`: draw a dancer, score the clip, put sound and picture together."""

from __future__ import annotations

from pathlib import Path

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.sessions import CpuModel
from hitpoint.demo.dancer import render_dancer
from hitpoint.demo.mux import mux
from hitpoint.errors import OutputError
from hitpoint.media.probe import probe
from hitpoint.progress import Progress
from hitpoint.rhythm.plot import plot_rhythm
from hitpoint.score import score_seen
from hitpoint.see import see
from hitpoint.values import ScoreRequest

FPS = 25
SEED = 7


def show(folder: Path, seconds: float, style: str, progress: Progress) -> list[str]:
    """Make the demo in `folder` and return what to tell the user. Raises the leaves of `HitpointError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}.", "Choose another folder.") from error
    video, timeline = folder / "dancer.mp4", folder / "dancer.otio"
    dance = render_dancer(video, seconds=seconds, fps=FPS, seed=SEED, shots=3, camera=0.1, progress=progress)
    request = ScoreRequest(timeline=video, style=style)
    seen = see(request, progress)
    result = score_seen(seen, request, CpuModel(load_bundle(None), backend="auto"), timeline, progress)
    plot_rhythm(seen.rhythm, seen.selection.media, folder / "dancer.png")
    mux(video, result.asset.path, folder / "dancer-scored.mp4")
    return [
        f"The dancer has {len(dance.impacts)} impacts. {result.hit_rate:.0%} of the strong hit points are "
        f"hit within half a frame ({result.chance_rate:.0%} by chance).",
        f"Watch and listen:  {folder / 'dancer-scored.mp4'}",
        f"The sound:         {result.asset.path}",
        f"The timeline:      {timeline}",
        f"What was seen:     {folder / 'dancer.png'}",
        f"{float(probe(video).duration):.1f} s of video took {result.timings.total_s:.1f} s "
        f"(movement {result.timings.motion_s:.1f} s, music {result.timings.generate_s:.1f} s).",
    ]
