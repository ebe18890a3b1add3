"""A timeline that is written to another folder: its references must go on leading to the same files."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from hitpoint.files import replacing
from hitpoint.timeline.jsontext import JsonText
from hitpoint.timeline.track import Cue, Lifted, Object, references, with_references
from hitpoint.timeline.urls import absolute, is_relative, locate, reference


def moved(base: Lifted, folder: Path, out: Path) -> Lifted:
    """`base`, whose relative references start in `folder`, as it must be written to the file `out`.

    What each reference was is remembered, so that removing the score brings back the original bytes.
    """
    if folder.resolve() == out.parent.resolve():
        return base
    document = JsonText(base.text)
    places = references(document)
    taken = {document.value(at) for at in places}
    change: dict[str, str] = {}
    for at in places:
        url = document.value(at)
        if is_relative(url) and document.raw(at) not in change:
            new = _elsewhere(url, folder, out)
            while new in taken:  # the same file referred to in both ways: stay distinguishable
                new = "/." + new if new.startswith("/") else "./" + new
            change[document.raw(at)] = json.dumps(new)
    restore = {now: was for now, was in base.restore.items() if now not in change}
    restore |= {new: base.restore.get(raw, raw) for raw, new in change.items()}
    return replace(
        base,
        text=with_references(base.text, change),
        cues=moved_cues(base.cues, folder, out.parent),
        restore=restore,
    )


def moved_cues(cues: tuple[Cue, ...], folder: Path, to: Path) -> tuple[Cue, ...]:
    """Our own sounds, referred to from another folder."""
    return tuple(replace(cue, clip=_moved_clip(cue.clip, folder, to)) for cue in cues)


def _moved_clip(clip: Object, folder: Path, to: Path) -> Object:
    found = {
        key: ref | {"target_url": _sound(str(ref.get("target_url", "")), folder, to)}
        for key, ref in clip.get("media_references", {}).items()
    }
    return clip | {"media_references": found}


def _sound(url: str, folder: Path, to: Path) -> str:
    return reference(locate(url, folder).path or folder / url, to) if is_relative(url) else url


def _elsewhere(url: str, folder: Path, out: Path) -> str:
    """The reference to the same file from the folder of `out`; unpacked media is copied to stay there."""
    path = locate(url, folder).path or absolute(folder / url)
    if path.is_file() and path.is_relative_to(user_cache_path("hitpoint")):
        path = _copied(path, folder, out)
    new = reference(path, out.parent)
    return new + "/" if url.endswith("/") and not new.endswith("/") else new


def _copied(path: Path, folder: Path, out: Path) -> Path:
    target = out.parent / f"{out.stem}_media" / path.relative_to(folder).name
    if not (target.is_file() and target.stat().st_size == path.stat().st_size):
        target.parent.mkdir(exist_ok=True)
        with replacing(target) as temp:
            shutil.copyfile(path, temp)
    return target
