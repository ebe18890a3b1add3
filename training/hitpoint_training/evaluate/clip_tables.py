"""The figures of real clips as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from hitpoint.cue.hits import strong
from hitpoint_training.evaluate.clip_figures import ON_PICTURE, TO_OWN
from hitpoint_training.evaluate.clip_sounds import GENERATED, OTHER, OWN
from hitpoint_training.evaluate.clips import Found
from hitpoint_training.evaluate.compositions import mean_known
from hitpoint_training.evaluate.table import shown

_NAMES = ("clip", "from", "style")
_ENGINE = ("strong", "hit", "chance")
_MINE = ("hit AUC", "hit error ms", "beat F", "tempo error", "TBIoU", "BIoU", "key clarity")
_BESIDE = {
    "other AUC": (OTHER, "hit AUC"),
    "own AUC": (OWN, "hit AUC"),
    "own beat F": (OWN, "beat F"),
}
_NOTE = (
    "Generated is aligned with the hit points by the engine's own measure, and mastered; other picture is "
    "the same music elsewhere; as composed is neither. Measured by librosa's onsets in every row."
)
_LORIS_NOTE = (
    "LORIS: one bit per second, so read every row beside the metronome. CSD, HSD: deviations of BCS and BHS "
    "over the clips. BIoU: beats within half a second."
)


def clip_tables(found: Found) -> Iterator[Table | str]:
    """Sounds against the picture, sounds against the clips' own, clip by clip; then what has no own sound."""
    clips = found.clips
    heard = sum(clip.own is not None for clip in clips)
    title = f"{len(clips)} clips, scored with {found.bundle.name}: against the picture"
    yield _rows(title, ("clips", *ON_PICTURE), _NOTE, found)
    yield _rows(f"{heard} clips: against their own sound", TO_OWN, _LORIS_NOTE, found)
    yield _each(found)
    for clip in clips:
        if clip.unheard:
            yield f"{clip.name} is left out of the own sound tracks: it has {clip.unheard}."


def _rows(title: str, names: Sequence[str], note: str, found: Found) -> Table:
    table = Table(title=title, caption=note)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for row, figures in found.rows.items():
        table.add_row(row, *(_cell(name, figures.get(name, float("nan"))) for name in names))
    return table


def _each(found: Found) -> Table:
    table = Table(title="Generated, clip by clip; hit and chance by the engine's own measure")
    headings = (*_ENGINE, *_MINE, *_BESIDE)
    for heading in (*_NAMES, *headings):
        table.add_column(heading, justify="left" if heading in _NAMES else "right", no_wrap=heading == "clip")
    columns = [_values(index, found) for index in range(len(found.clips))]
    for clip, values in zip(found.clips, columns, strict=True):
        cells = (_cell(name, value) for name, value in zip(headings, values, strict=True))
        table.add_row(clip.name, clip.result.motion_source, clip.result.style, *cells)
    table.add_section()
    means = [mean_known(column) for column in zip(*columns, strict=True)]
    cells = ("" if name == "strong" else shown(value) for name, value in zip(headings, means, strict=True))
    table.add_row("mean", "", "", *cells)
    return table


def _values(index: int, found: Found) -> list[float]:
    result = found.clips[index].result
    engine = [float(len(strong(found.clips[index].sketch.hits))), result.hit_rate, result.chance_rate]
    mine = [_figure(found, GENERATED, index, name) for name in _MINE]
    return [*engine, *mine, *(_figure(found, row, index, name) for row, name in _BESIDE.values())]


def _figure(found: Found, row: str, index: int, name: str) -> float:
    return (found.each[row][index] or {}).get(name, float("nan"))


def _cell(name: str, value: float) -> str:
    return str(round(value)) if name in ("strong", "clips") else shown(value)
