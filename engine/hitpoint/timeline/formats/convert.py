"""From any format to OpenTimelineIO and from there to any format, with the losses named on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitpoint.errors import TimelineError
from hitpoint.timeline.formats.base import Format, Loss
from hitpoint.timeline.formats.firstlook import checked_text, checked_xml
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.levels import KEY as LEVELS
from hitpoint.timeline.guard import ask_child, parse
from hitpoint.timeline.prescan import MAX_BYTES

CHILD = Path(__file__).with_name("child.py")
_TODO = "Export it again from your editor."


@dataclass(frozen=True, slots=True)
class Converted:
    """A timeline on its way: its bytes, and what they do not say any more."""

    data: bytes
    losses: tuple[Loss, ...] = ()


def to_otio(data: bytes, source: Format) -> Converted:
    """The bytes of a file in `source` as OpenTimelineIO text. Raises TimelineError, whatever they are."""
    if source.native:
        return Converted(data)
    if len(data) > MAX_BYTES:
        raise TimelineError(f"The file is larger than {MAX_BYTES >> 20} MB.", "Split the timeline.")
    if source.text:
        (checked_xml if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else checked_text)(
            data, source.name
        )
    answer = ask_child(CHILD, [source.name], data)
    if isinstance(answer.get("fault"), str) or not isinstance(answer.get("otio"), str):
        what = str(answer.get("fault", "The library gave no usable answer."))
        raise TimelineError(what, str(answer.get("todo") or _TODO))
    losses = tuple(Loss(str(trait), str(where)) for trait, where in answer.get("lost", []))
    return Converted(str(answer["otio"]).encode("utf-8"), losses)


def from_otio(data: bytes, folder: Path, out: Path, target: Format) -> Converted:
    """OpenTimelineIO text, with references from `folder`, as the file `out` in the format `target`.

    Nothing is written. Raises TimelineError.
    """
    if target.native and f'"{LEVELS}"'.encode() not in data:
        return Converted(data)
    sheet = sheet_of(parse(data), folder)
    if target.native:
        return Converted(data, target.losses(sheet))
    return Converted(target.write(sheet, out), target.losses(sheet))
