"""A season to score: timelines cut from the real clips, always the same ones."""

from __future__ import annotations

import random
from pathlib import Path

from timelines import MEDIA, clip, span, timeline, write

from hitpoint.media.probe import probe

SHORTEST_S, LONGEST_S = 2.0, 6.0
MOST = 0.8  # of a film, so that two clips of a short one are not the same


def season(folder: Path, timelines: int, clips: int) -> list[Path]:
    """Write `timelines` timelines of `clips` clips each, 2 to 6 s long, into `folder`; needs the media."""
    dice = random.Random(20)
    films = [(path, probe(path)) for path in sorted((MEDIA / "video").glob("v*"))]
    return [_episode(folder / f"episode-{number:02}.otio", clips, films, dice) for number in range(timelines)]


def _episode(path: Path, clips: int, films: list, dice: random.Random) -> Path:
    pieces = []
    for number in range(clips):
        film, info = films[dice.randrange(len(films))]
        rate = float(info.frame_rate)
        longest = min(LONGEST_S, MOST * float(info.duration))
        frames = round(dice.uniform(SHORTEST_S, longest) * rate)
        whole = int(info.duration * info.frame_rate)
        start = dice.randrange(whole - frames)
        name = f"shot-{number:02}-{film.stem[:3]}"
        pieces.append(clip(name, film.as_uri(), span(start, frames, rate), span(0, whole, rate)))
    return write(timeline([pieces]), path)
