"""Puts our track into the user's own project, instead of writing the project anew."""

from __future__ import annotations

from pathlib import Path

from hitpoint.errors import TimelineError
from hitpoint.files import sha256_of
from hitpoint.timeline.formats.base import Format
from hitpoint.timeline.formats.graft_fcp7 import graft_fcp7, ungraft_fcp7
from hitpoint.timeline.formats.graft_fcpxml import graft_fcpxml, ungraft_fcpxml
from hitpoint.timeline.formats.graft_mlt import graft_mlt, ungraft_mlt
from hitpoint.timeline.formats.sheet import Sheet

_GRAFTS = {
    "MLT XML": (graft_mlt, ungraft_mlt),
    "Kdenlive": (graft_mlt, ungraft_mlt),
    "FCPXML": (graft_fcpxml, ungraft_fcpxml),
    "Final Cut Pro 7 XML": (graft_fcp7, ungraft_fcp7),
}


def grafts(form: Format | None) -> bool:
    """Whether projects of this format are kept as they are, with our music put in."""
    return form is not None and form.name in _GRAFTS


def graft(form: Format, data: bytes, sheet: Sheet, folder: Path, out: Path) -> bytes:
    """The project `data`, which lay in `folder`, with our lanes of `sheet`, to be written as `out`.

    Every byte of `data` is in it, in order. Raises TimelineError if it could not be taken out again.
    """
    made = _GRAFTS[form.name][0](data, sheet, folder, out)
    if ungraft(form, made)[0] != data:
        raise TimelineError(
            "The project is written in a way that cannot be restored exactly.",
            "Save it again in your editor, or write an .otio.",
        )
    return made


def ungraft(form: Format, data: bytes) -> tuple[bytes, bool]:
    """The project without our music, and whether it is known to be exactly what it was before."""
    bare, noted = _GRAFTS[form.name][1](data)
    return bare, noted == sha256_of(bare)
