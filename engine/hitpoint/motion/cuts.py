"""Hard cuts, exact to the frame, by PySceneDetect on small frames."""

from __future__ import annotations

from hitpoint.motion.bare import bare
from hitpoint.motion.frames import Picture

bare("scenedetect")
from scenedetect.common import FrameTimecode  # noqa: E402
from scenedetect.detectors import AdaptiveDetector  # noqa: E402

RATIO = 3.0  # a cut differs this many times more than the frames around it
DIFFERENCE = 12.0  # and by this much in mean hue, saturation and brightness (0 to 255)
SHORTEST_SHOT = 4  # frames
_WINDOW = 2  # frames on each side that a difference is compared with
_COUNTING_RATE = 25.0  # the detector only counts frames; their times are kept here


class CutFinder:
    """Takes thumbs in file order and says between which frames a cut lies."""

    def __init__(self) -> None:
        self._detector = AdaptiveDetector(
            adaptive_threshold=RATIO,
            min_scene_len=SHORTEST_SHOT,
            window_width=_WINDOW,
            min_content_val=DIFFERENCE,
        )
        self._frames = -SHORTEST_SHOT
        self._last: Picture | None = None

    def see(self, thumb: Picture) -> tuple[int, ...]:
        """Look at the next BGR thumb; return the indices of frames now known to begin a new shot."""
        while self._frames < 0:  # as if the first frame had been on screen for a while before
            self._step(thumb)
        return self._step(thumb)

    def finish(self) -> tuple[int, ...]:
        """Decide about the last frames, which nothing follows, by holding the last one."""
        if self._last is None:
            return ()
        held = self._last
        return tuple(cut for _ in range(_WINDOW) for cut in self._step(held))

    def _step(self, thumb: Picture) -> tuple[int, ...]:
        code = FrameTimecode(self._frames + SHORTEST_SHOT, _COUNTING_RATE)
        self._frames += 1
        self._last = thumb
        return tuple(cut.frame_num - SHORTEST_SHOT for cut in self._detector.process_frame(code, thumb))
