"""Watch a line of clips: each in its own stretch of its own file, laid end to end on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hitpoint.errors import MediaError
from hitpoint.media.probe import probe
from hitpoint.motion.flow import FlowStep
from hitpoint.motion.frames import ANALYSIS_RATE
from hitpoint.motion.pose import LANDMARKS
from hitpoint.motion.track import MotionTrack
from hitpoint.motion.watch import PEOPLE, watch
from hitpoint.progress import Progress
from hitpoint.values import MediaInfo, MediaRange, Piece

_LOOKS = 5  # numbers of hitpoint.motion.descriptors.look
_DUST = 1e-6


def watch_line(
    pieces: Sequence[Piece], pose_model: Path, progress: Progress, rate: float = ANALYSIS_RATE
) -> MotionTrack:
    """What `watch` says of every piece, at the times of the line. Nothing moves where nothing can be watched.

    Each piece is watched as if it stood alone, so it looks the same in any line. The pieces' own `cut`s are
    exact. Raises MediaError if no piece can be watched, ModelBundleError and Cancelled.
    """
    total = float(pieces[-1].start + pieces[-1].duration)
    files: dict[Path, MediaInfo] = {}
    parts: list[MotionTrack] = []
    warnings: dict[str, None] = {}
    fault: MediaError | None = None
    for piece in pieces:
        if piece.media is None:
            parts.append(_still(piece))
            continue
        share = _Share(progress, float(piece.start) / total, float(piece.duration) / total)
        try:
            seen = _watched(piece.media, files, pose_model, share.progress(), rate)
        except MediaError as error:
            fault = error
            name = piece.clip.name if piece.clip else piece.media.path.name
            warnings[f"Clip {name} cannot be watched: {error.what} It counts as stillness."] = None
            parts.append(_still(piece))
            continue
        warnings |= dict.fromkeys(seen.warnings)
        parts.append(_placed(seen, piece))
    if fault is not None and all(len(part.times) < 2 for part in parts):
        raise fault
    return _joined(parts, pieces, tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Share:
    """The part of the whole progress that one piece makes."""

    whole: Progress
    begin: float
    length: float

    def progress(self) -> Progress:
        """For the work on the piece; cancelled together with the whole."""
        return Progress(self._listen, self.whole.cancelled)

    def _listen(self, stage: str, fraction: float) -> None:
        self.whole.report(stage, self.begin + self.length * fraction)


def _watched(
    media: MediaRange, files: dict[Path, MediaInfo], pose_model: Path, progress: Progress, rate: float
) -> MotionTrack:
    if media.path not in files:
        files[media.path] = probe(media.path)
    return watch(media, files[media.path], pose_model, progress, rate)


def _placed(seen: MotionTrack, piece: Piece) -> MotionTrack:
    """`seen` on the clock of the line, without rows beyond the piece's own ends.

    The frame on screen when a piece starts may have come before; on the line that time is another piece's.
    """
    rows = np.flatnonzero(seen.times < seen.duration - _DUST)
    early = bool(piece.start) and len(rows) > 1
    rows = rows[seen.times[rows] >= -_DUST] if early else rows
    if not len(rows):
        return _still(piece)
    camera, sectors = seen.camera[rows], seen.sectors[rows]
    still = FlowStep.still()
    camera[0], sectors[0] = still.camera, still.sectors  # nothing leads over from the piece before
    offset = float(piece.start)
    times = np.maximum(seen.times[rows], 0.0) if piece.start else seen.times[rows]
    return replace(
        seen,
        times=times + offset,
        points=seen.points[rows],
        visibility=seen.visibility[rows],
        camera=camera,
        sectors=sectors,
        looks=seen.looks[rows],
        cuts=tuple(cut + offset for cut in seen.cuts if _DUST < cut < seen.duration - _DUST),
    )


def _still(piece: Piece) -> MotionTrack:
    """One row in which nothing is seen."""
    flow = FlowStep.still()
    return MotionTrack(
        times=np.array([float(piece.start)]),
        points=np.full((1, PEOPLE, LANDMARKS, 2), np.nan, np.float32),
        visibility=np.zeros((1, PEOPLE, LANDMARKS), np.float32),
        camera=np.asarray(flow.camera, np.float32)[None],
        sectors=np.asarray(flow.sectors, np.float32)[None],
        looks=np.zeros((1, _LOOKS), np.float32),
        cuts=(),
        duration=float(piece.duration),
    )


def _joined(parts: Sequence[MotionTrack], pieces: Sequence[Piece], warnings: tuple[str, ...]) -> MotionTrack:
    hard = {float(piece.start) for piece in pieces if piece.cut and piece.start}
    own = {cut for part in parts for cut in part.cuts}
    return MotionTrack(
        times=np.concatenate([part.times for part in parts]),
        points=np.concatenate([part.points for part in parts]),
        visibility=np.concatenate([part.visibility for part in parts]),
        camera=np.concatenate([part.camera for part in parts]),
        sectors=np.concatenate([part.sectors for part in parts]),
        looks=np.concatenate([part.looks for part in parts]),
        cuts=tuple(sorted(hard | own)),
        duration=float(pieces[-1].start + pieces[-1].duration),
        warnings=warnings,
        soft=tuple(float(piece.start) for piece in pieces if piece.start and not piece.cut),
    )
