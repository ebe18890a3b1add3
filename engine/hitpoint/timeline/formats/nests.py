"""Nested sequences laid out flat, for formats that have none."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hitpoint.timeline.formats.from_tree import cut
from hitpoint.timeline.formats.sheet import Fade, Lane, LaneKind, Piece, Sheet, gap


def unnested(sheet: Sheet) -> Sheet:
    """`sheet` with what is in its nests on its own lanes; a nest that is frozen or reversed is a gap.

    The lowest video lane of a nest takes the nest's place, and its other lanes come to lie above.
    """
    if not any(piece.lanes for lane in sheet.lanes for _, piece in lane.placed()):
        return sheet
    lanes = [flat for lane in sheet.lanes for flat in _flat(lane)]
    return replace(sheet, lanes=tuple(sorted(lanes, key=lambda lane: lane.kind == "Audio")))


def _flat(lane: Lane) -> list[Lane]:
    """`lane` without nests, and the further lanes that their contents need."""
    pieces: list[Piece | Fade] = []
    others: list[Lane] = []
    for at, piece in _timed(lane):
        if isinstance(piece, Fade) or not piece.lanes:
            pieces.append(piece)
            continue
        inner = _inside(piece)
        main = next((each for each in inner if each.kind == lane.kind), None)
        filled = main.duration if main is not None else Fraction(0)
        pieces += main.pieces if main is not None else ()
        if filled < piece.duration:
            pieces.append(gap(piece.duration - filled))
        others += [_shifted(each, at) for each in inner if each is not main]
    result = [Lane(lane.kind, tuple(pieces), lane.name, lane.enabled)]
    for kind in ("Video", "Audio"):
        result += _packed([each for each in others if each.kind == kind], kind)
    return result


def _timed(lane: Lane) -> list[tuple[Fraction, Piece | Fade]]:
    at = Fraction(0)
    found: list[tuple[Fraction, Piece | Fade]] = []
    for piece in lane.pieces:
        found.append((at, piece))
        at += piece.duration if isinstance(piece, Piece) else 0
    return found


def _inside(nest: Piece) -> list[Lane]:
    """What is seen of each lane of a nest, in record time."""
    if nest.speed <= 0:
        return []
    found: list[Lane] = []
    for lane in nest.lanes:
        for flat in _flat(lane):
            seen = cut(flat, nest.start, nest.used)
            found.append(replace(seen, pieces=tuple(_retimed(piece, nest) for piece in seen.pieces)))
    return found


def _retimed(piece: Piece | Fade, nest: Piece) -> Piece | Fade:
    if isinstance(piece, Fade):
        return replace(piece, before=piece.before / nest.speed, after=piece.after / nest.speed)
    return replace(
        piece,
        duration=piece.duration / nest.speed,
        speed=piece.speed * nest.speed,
        enabled=piece.enabled and nest.enabled,
    )


def _shifted(lane: Lane, by: Fraction) -> Lane:
    return replace(lane, pieces=(gap(by), *lane.pieces)) if by else lane


def _packed(lanes: list[Lane], kind: LaneKind) -> list[Lane]:
    """Lanes one behind the other where they do not overlap."""
    packed: list[Lane] = []
    for lane in lanes:
        first = next((at for at, piece in lane.placed() if not piece.is_gap), None)
        if first is None:
            continue
        home = next((n for n, each in enumerate(packed) if each.duration <= first), None)
        if home is None:
            packed.append(replace(lane, name=""))
            continue
        before = packed[home]
        rest = cut(lane, before.duration, lane.duration - before.duration)
        packed[home] = Lane(kind, (*before.pieces, *rest.pieces))
    return packed
