"""The values that cross borders: frozen, with units in their names and types.

Times are exact `Fraction` seconds until the last moment. Unless a name says otherwise they count from
the start of the clip (the scored range), not of the timeline and not of the media file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HitKind = Literal["movement", "cut", "user"]
AccentKind = Literal["onset", "impact", "pulse"]
DucksInto = Literal["auto", "wav", "automation"]
MotionSource = Literal["pose", "flow"]

SAMPLE_RATE = 48_000
"""Of everything that Hitpoint makes, in hertz."""
STEPS, GUIDANCE = 2, 2.0
"""Of the sampler, unless somebody says otherwise (docs/decisions/0009-near-in-time.md)."""


@dataclass(frozen=True, slots=True)
class HitPoint:
    """A moment in the picture that the music must land on."""

    time: float  # seconds from the start of the clip
    strength: float  # 0 to 1, the strongest of a clip is 1
    kind: HitKind = "movement"
    locked: bool = False  # set by the user: must be hit


@dataclass(frozen=True, slots=True)
class Peak:
    """A local maximum of the movement envelope, refined to a fraction of a frame."""

    time: float
    strength: float


@dataclass(frozen=True, slots=True)
class Shot:
    """What is between two cuts. `descriptors` is (rows, features), one row every half second."""

    start: float
    duration: float
    descriptors: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))


@dataclass(frozen=True, slots=True)
class TempoPoint:
    """From `time` on the tempo is `bpm`."""

    time: float
    bpm: float


@dataclass(frozen=True, slots=True)
class TempoMap:
    """A beat grid. `first_beat` may lie before 0; `beats_per_bar` counts from `first_beat`, a downbeat.

    `fit` is the share of strong hit-point weight that falls on the grid's eighths, and `margin` by how
    much it beats the best tempo that is not a simple multiple of it.
    """

    points: tuple[TempoPoint, ...]
    first_beat: float
    beats_per_bar: int = 4
    fit: float = 0.0
    margin: float = 0.0

    @property
    def bpm(self) -> float:
        """The tempo at the start, in beats per minute."""
        return self.points[0].bpm


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What was seen in a clip: the movement envelope and everything read from it."""

    envelope: Floats  # (frames,), 0 to 1
    rate: float  # envelope frames per second
    peaks: tuple[Peak, ...]
    cuts: tuple[float, ...]
    shots: tuple[Shot, ...]
    hit_points: tuple[HitPoint, ...]
    tempo: TempoMap
    source: MotionSource
    warnings: tuple[str, ...] = ()
    from_markers: bool = False  # hit points were taken from markers that somebody edited


@dataclass(frozen=True, slots=True)
class MarkedHits:
    """Hit points as a timeline's markers say; within `spans` (seconds of the clip) there are no others."""

    hits: tuple[HitPoint, ...]
    spans: tuple[tuple[float, float], ...]
    note: str  # what was found, in plain words


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A checked media file. `start_timecode` is in seconds, 0 where the file has none."""

    path: Path
    duration: Fraction
    frame_rate: Fraction
    width: int
    height: int
    rotation: int  # degrees clockwise that the picture must be turned to stand upright: 0, 90, 180, 270
    variable_rate: bool
    has_audio: bool
    start_timecode: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class MediaRange:
    """The stretch of a media file that a clip shows, played at `speed`.

    Clip time t shows file time `start + t * speed` (seconds from the first frame of the file).
    """

    path: Path
    start: Fraction
    duration: Fraction  # of the clip, on the timeline
    speed: Fraction = Fraction(1)  # 0 = freeze frame, negative = reversed


@dataclass(frozen=True, slots=True)
class Fade:
    """A transition: for so many seconds before and after the cut that it lies on."""

    before: Fraction
    after: Fraction


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """One video clip of a timeline, as `hitpoint inspect` lists it."""

    index: int  # 1-based, in order of tracks and time
    name: str
    track: str
    record_start: Fraction  # seconds from the start of the timeline (its start timecode not counted)
    duration: Fraction
    rate: Fraction  # frames per second of the timeline at this clip
    media: MediaRange | None
    offline: str = ""  # why `media` cannot be used, in plain words; empty if it can
    enabled: bool = True
    layer: tuple[int, ...] = ()  # the video track from 1, then those within nests: of two the higher is seen
    fade_in: Fade | None = None  # the transition at its start
    fade_out: Fade | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker in record time. `own` is its time in the clip that has it, counted as its source is.

    `holder` is the name of the clip or track that has it, empty for a marker of the timeline itself.
    `ours` is what Hitpoint wrote into its metadata, as JSON.
    """

    time: Fraction
    duration: Fraction
    name: str
    comment: str = ""
    colour: str = ""
    holder: str = ""
    own: Fraction = Fraction(0)
    ours: str = ""


@dataclass(frozen=True, slots=True)
class EarlierCue:
    """Music of ours that lies on the timeline: in record time, and from where in its file it is played.

    `note` is what was written into its metadata, as JSON; empty where a program has dropped that.
    """

    name: str
    record_start: Fraction
    duration: Fraction
    start: Fraction
    note: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class TimelineInfo:
    """A timeline as read. `path` is the file; a bare media file reads as one clip and `is_media`."""

    path: Path
    name: str
    rate: Fraction
    start_timecode: Fraction  # seconds
    duration: Fraction
    clips: tuple[ClipInfo, ...]
    content_sha256: str
    is_media: bool = False
    warnings: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()  # what is in the file and not in here, in plain words
    origin: Fraction = Fraction(0)  # where in its own tracks the timeline starts, seconds; nearly always 0
    marks: tuple[Mark, ...] = ()  # all but those on our own music
    cues: tuple[EarlierCue, ...] = ()
    media_root: Path | None = None  # where media that has moved is sought


@dataclass(frozen=True, slots=True)
class Piece:
    """What is on screen from `start` (seconds of the selection) for `duration`; without `clip`, nothing is.

    `cut` says how it begins: with a hard cut, or softly (the first piece, and the middle of a transition).
    """

    start: Fraction
    duration: Fraction
    clip: ClipInfo | None = None
    media: MediaRange | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be scored: a clip, a range of one, or a line of several, which has `pieces` and a `title`.

    The `clip` and `media` of a line are those of its first piece that can be watched.
    """

    clip: ClipInfo
    media: MediaRange
    record_start: Fraction
    duration: Fraction
    warnings: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    title: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.title or self.clip.name

    @property
    def clip_names(self) -> tuple[str, ...]:
        """Of all clips that are seen, in order."""
        seen = [piece.clip for piece in self.pieces if piece.clip and piece.media] or [self.clip]
        return tuple({clip.index: clip.name for clip in seen}.values())


@dataclass(frozen=True, slots=True)
class Scope:
    """More than a clip, as one cue: exactly one of these, but `track` may go with `span` and `region`."""

    clips: tuple[str, ...] = ()  # names, numbers from 1, or FIRST..LAST
    span: tuple[Fraction, Fraction] | None = None  # record time, seconds from the start of the timeline
    region: str | None = None  # the name of a marker that lasts, or of a pair of markers
    track: str | None = None  # its name, or V1, V2, ...
    whole: bool = False
    handles: bool = False  # with the transitions at both ends


@dataclass(frozen=True, slots=True)
class Ducking:
    """How the music makes room for speech."""

    level: float = -10.0  # dB under speech
    attack: float = 0.25  # seconds to get there before the first word
    release: float = 0.8  # seconds to come back after the last
    into: DucksInto = "auto"  # the sound, or volume automation; auto: this where the timeline's format has it

    @property
    def baked(self) -> bool:
        """Whether the sound itself is turned down; so it is as long as nothing else was decided."""
        return self.into != "automation"


@dataclass(frozen=True, slots=True)
class Duck:
    """A stretch in which the music is turned down by `gain` dB; it fades before `start` and after `end`."""

    start: float
    end: float
    gain: float


@dataclass(frozen=True, slots=True)
class Anew:
    """A region of a finished take to be made anew, in seconds of the music, and how. None: as it was.

    It snaps to bar lines. `hits` are all hit points; those inside are played, the others only measured.
    """

    start: float
    stop: float
    seed: int
    style: str | None = None
    intensity: float | None = None  # 0 to 1
    hits: tuple[HitPoint, ...] | None = None


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Everything that affects the result. The same object is the log line and the provenance record."""

    timeline: Path
    clip: str | None = None  # name or 1-based number
    range: tuple[Fraction, Fraction] | None = None  # seconds from the start of the clip
    style: str = "auto"
    intensity: float = 0.6  # 0 to 1
    seed: int = 1
    steps: int = STEPS
    guidance: float = GUIDANCE
    takes: int = 1
    accents: AccentKind = "impact"
    loudness: float = -14.0  # LUFS
    bpm: float | None = None
    user_hits: tuple[HitPoint, ...] = ()
    bundle: Path | None = None  # None: the bundle that came with the program
    backend: str = "auto"  # what runs the model, see hitpoint.backends
    stream: Path | None = None  # a file or pipe that gets the take while it is composed
    scope: Scope | None = None  # instead of `clip` and `range`
    markers: bool | None = None  # hit points from the timeline's markers; None: if somebody changed ours
    ducking: Ducking | None = None
    media_root: Path | None = None  # where media that has moved is sought
    tail: float | None = None  # seconds that the last sound rings where no hit forbids it; None: what suits
    # (seconds, 0 to 1), linear between; takes the place of `intensity`
    intensity_curve: tuple[tuple[float, float], ...] = ()
    remade: tuple[Anew, ...] = ()  # what was made anew in the take since, in that order


@dataclass(frozen=True, slots=True)
class HitReport:
    """Where a hit point was asked for and where the music landed; `achieved` is None without an accent."""

    time: float
    strength: float
    kind: HitKind
    achieved: float | None
    error_ms: float | None
    hit: bool


@dataclass(frozen=True, slots=True)
class Asset:
    """A finished sound file."""

    path: Path
    sha256: str
    sample_rate: int
    channels: int
    samples: int


@dataclass(frozen=True, slots=True)
class BundleId:
    """Which model made it."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of wall clock per stage."""

    motion_s: float
    generate_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What `score` hands back, and what `--json` prints."""

    output: Path
    asset: Asset
    clip: ClipInfo
    record_start: Fraction  # of the scored range, on the timeline
    duration: Fraction
    seed: int
    bundle: BundleId
    hit_points: tuple[HitReport, ...]
    hit_rate: float  # of the strong hit points (at least half the strongest)
    chance_rate: float  # the same music against shuffled hit points
    tempo_map: tuple[TempoPoint, ...]
    shots: tuple[Shot, ...]
    motion_source: MotionSource
    timings: Timings
    style: str
    backend: str  # which one ran the model, and why
    warnings: tuple[str, ...] = ()
    title: str = ""  # of what was scored, as people call it
    clips: tuple[str, ...] = ()  # names of all clips that are on screen, in order
    ducking: tuple[Duck, ...] = ()
    losses: tuple[str, ...] = ()  # what the output does not say of the timeline, in plain words
    ducking_baked: bool = True  # it is in the sound already: a fader that follows it would do it twice
