"""Windows: every frame is made exactly once, in order, within what the network was trained on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitpoint.cue.bundle import Manifest
from hitpoint.cue.windows import CONTEXT_FRAMES, MULTIPLE, Span, covering, frames_for, windows

MANIFEST = Manifest("m", 64, 1024, 256, 256, 13, 2048, 480, "x", ())


@given(st.floats(0.02, 1800))
def test_every_frame_is_made_once(duration: float) -> None:
    total = frames_for(duration, MANIFEST)
    assert total % MULTIPLE == 0
    assert total >= duration * 50
    made = 0
    for window in windows(total, MANIFEST):
        assert window.first + window.known == made
        assert window.first >= 0
        assert MANIFEST.minimum_frames <= window.frames <= MANIFEST.window_frames
        assert window.frames % MULTIPLE == 0
        assert made == 0 or window.known >= MANIFEST.known_frames
        made = window.stop
    assert made == total


def test_short_cue_is_one_window() -> None:
    assert len(list(windows(frames_for(0.5, MANIFEST), MANIFEST))) == 1


@pytest.mark.parametrize("total", [256, 512, 5000])
@given(starts=st.lists(st.integers(0, 4900), min_size=1, max_size=20))
def test_repainted_spans_are_covered_with_context(total: int, starts: list[int]) -> None:
    spans = [Span(start, min(start + 36, total)) for start in sorted(starts) if start < total]
    covered = []
    for window, inside in covering(spans, total, MANIFEST):
        assert 0 <= window.first <= window.stop <= total
        for span in inside:
            assert window.first <= span.start <= span.stop <= window.stop
            assert window.first == 0 or span.start - window.first >= CONTEXT_FRAMES
            assert window.stop == total or window.stop - span.stop >= CONTEXT_FRAMES
        covered += inside
    assert covered == spans
