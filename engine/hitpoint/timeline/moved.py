"""A timeline that is written to another folder: its references must go on leading to the same files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
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
    cues = moved_cues(base.cues, folder, out.parent)
    base = respelled(replace(base, cues=()), lambda url: _elsewhere(url, folder, out))
    return replace(base, cues=cues)


def respelled(base: Lifted, spell: Callable[[str], str | None]) -> Lifted:
    """`base` with every reference, those of our cues too, as `spell` has it; None leaves it as it is.

    No two references become one: what each was can be told from what it is.
    """
    document = JsonText(base.text)
    places = references(document)
    taken = {document.value(at) for at in places}
    change: dict[str, str] = {}
    for at in places:
        url = document.value(at)
        new = spell(url) if document.raw(at) not in change else None
        if new is None or new == url:
            continue
        while new in taken:  # the same file referred to in both ways: stay distinguishable
            new = "/." + new if new.startswith("/") else "./" + new
        taken.add(new)
        change[document.raw(at)] = json.dumps(new)
    restore = {now: was for now, was in base.restore.items() if now not in change}
    restore |= {new: base.restore.get(raw, raw) for raw, new in change.items()}
    return replace(
        base,
        text=with_references(base.text, change),
        cues=_respelled_cues(base.cues, lambda url: spell(url) or url),
        restore=restore,
    )


def moved_cues(cues: tuple[Cue, ...], folder: Path, to: Path) -> tuple[Cue, ...]:
    """Our own sounds, referred to from another folder."""
    return _respelled_cues(cues, lambda url: _sound(url, folder, to))


def _respelled_cues(cues: tuple[Cue, ...], spell: Callable[[str], str]) -> tuple[Cue, ...]:
    return tuple(replace(cue, clip=_respelled_clip(cue.clip, spell)) for cue in cues)


def _respelled_clip(clip: Object, spell: Callable[[str], str]) -> Object:
    found = {
        key: ref | {"target_url": spell(str(ref.get("target_url", "")))}
        for key, ref in clip.get("media_references", {}).items()
    }
    return clip | {"media_references": found}


def _sound(url: str, folder: Path, to: Path) -> str:
    return reference(locate(url, folder).path or folder / url, to) if is_relative(url) else url


def _elsewhere(url: str, folder: Path, out: Path) -> str | None:
    """The reference to the same file from the folder of `out`; unpacked media is copied to stay there.

    Into a bundle it goes in any case.
    """
    if not is_relative(url):
        return None
    path = locate(url, folder).path or absolute(folder / url)
    loose = out.suffix.lower() not in (".otioz", ".otiod")
    if loose and path.is_file() and path.is_relative_to(user_cache_path("hitpoint")):
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
