"""Watch a clip once: decode, find cuts, measure flow, follow people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np

from hitpoint.motion.cuts import CutFinder
from hitpoint.motion.descriptors import look
from hitpoint.motion.directogram import SECTORS
from hitpoint.motion.flow import FlowStep, flow_step
from hitpoint.motion.frames import ANALYSIS_RATE, Picture, read_frames
from hitpoint.motion.pose import LANDMARKS, Person, open_tracker
from hitpoint.motion.track import MotionTrack
from hitpoint.parallel import ahead
from hitpoint.progress import Progress
from hitpoint.values import Floats, MediaInfo, MediaRange

STAGE = "watching the movement"
PEOPLE = 1
POSE_RATE = 10.0  # looks for people per clip second, at most 4/3 of it
AHEAD = 32  # frames decoded before somebody is looked for in them; a third of them have a picture of 0.8 MB
NO_POSE = "mediapipe cannot be loaded on this machine; movement was read from optical flow alone."


@dataclass(frozen=True, slots=True)
class _Glance:
    """What the decoding thread knows about a frame before anybody looks for people."""

    time: float
    picture: Picture | None  # where people are to be looked for
    flow: FlowStep | None  # None for frames that are not analysed
    look: Floats | None
    cuts: tuple[int, ...]  # frame indices that turned out to begin a shot


def watch(
    media: MediaRange, info: MediaInfo, pose_model: Path, progress: Progress, rate: float = ANALYSIS_RATE
) -> MotionTrack:
    """Read the range once, in constant memory but for about 0.7 kB per analysed frame.

    Flow and cuts are read from every frame, people are looked for 10 to 13 times a second: on three clips at
    30 frames per second, 10 looks and 16 differed equally from 30 (envelopes correlate by 0.996 and more, 90
    to 100 % of the hit points within 40 ms). Raises MediaError, ModelBundleError, and Cancelled as soon as
    `progress` says so.
    """
    record = _Record(float(media.duration), backwards=media.speed < 0)
    with closing(ahead(_glances(media, info, rate), AHEAD)) as glances:
        first = list(islice(glances, 1))  # decoding goes on while the pose model is loaded
        with open_tracker(pose_model, PEOPLE) as tracker:
            if tracker is None:
                record.warnings += (NO_POSE,)
            for glance in chain(first, glances):
                record.frame_times.append(glance.time)
                record.cut_frames += glance.cuts
                if glance.flow is None or glance.look is None:
                    continue
                people: tuple[Person, ...] | None = None
                if tracker is not None and glance.picture is not None:
                    people = tracker.people(glance.picture)
                record.add(glance.time, people, glance.flow, glance.look)
                progress.report(STAGE, _share(glance.time, media))
    return record.track()


def _share(time: float, media: MediaRange) -> float:
    """How much of the range is read; a clip that plays backwards is read from its end."""
    share = time / max(float(media.duration), 1e-6)
    return 1 - share if media.speed < 0 else share


def _glances(media: MediaRange, info: MediaInfo, rate: float) -> Iterator[_Glance]:
    """Everything that needs pixels but no pose model."""
    finder = CutFinder()
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    before: Picture | None = None
    time: float | None = None
    for frame in read_frames(media, info, rate, POSE_RATE):
        time = frame.time
        cuts = finder.see(frame.thumb)
        if not frame.analysed:
            yield _Glance(time, None, None, None, cuts)
            continue
        grey = np.asarray(cv2.cvtColor(frame.thumb, cv2.COLOR_BGR2GRAY), np.uint8)
        flow = flow_step(estimator, before, grey) if before is not None else FlowStep.still()
        before = grey
        yield _Glance(time, frame.picture, flow, look(frame.thumb), cuts)
    if time is not None:
        yield _Glance(time, None, None, None, finder.finish())


class _Record:
    """Collects one row per analysed frame, in file order."""

    def __init__(self, duration: float, backwards: bool) -> None:
        self.duration = duration
        self.backwards = backwards
        self.frame_times: list[float] = []  # of every frame, analysed or not
        self.cut_frames: tuple[int, ...] = ()
        self._times: list[float] = []
        self._people: list[tuple[Person, ...] | None] = []  # None where nobody was looked for
        self.warnings: tuple[str, ...] = ()
        self._flows: list[FlowStep] = []
        self._looks: list[Floats] = []

    def add(self, time: float, people: tuple[Person, ...] | None, flow: FlowStep, look: Floats) -> None:
        """One analysed frame."""
        self._times.append(time)
        self._people.append(people)
        self._flows.append(flow)
        self._looks.append(look)

    def track(self) -> MotionTrack:
        """Everything as arrays, ascending in clip time."""
        points, visibility = self._landmarks()
        turn = slice(None, None, -1 if self.backwards else 1)
        flows = _reversed_flows(self._flows) if self.backwards else self._flows
        return MotionTrack(
            times=np.array(self._times)[turn],
            points=points[turn],
            visibility=visibility[turn],
            camera=np.array([flow.camera for flow in flows], np.float32),
            sectors=np.array([flow.sectors for flow in flows], np.float32),
            looks=np.array(self._looks, np.float32)[turn],
            cuts=tuple(sorted(self.frame_times[frame - self.backwards] for frame in self.cut_frames)),
            duration=self.duration,
            warnings=self.warnings,
        )

    def _landmarks(self) -> tuple[Floats, Floats]:
        """Landmarks of every row; between two looks they move evenly."""
        looked = [row for row, people in enumerate(self._people) if people is not None]
        points = np.full((max(1, len(looked)), PEOPLE, LANDMARKS, 2), np.nan, np.float32)
        visibility = np.zeros((max(1, len(looked)), PEOPLE, LANDMARKS), np.float32)
        for index, row in enumerate(looked):
            for column, person in enumerate((self._people[row] or ())[:PEOPLE]):
                points[index, column], visibility[index, column] = person.points, person.visibility
        position = np.interp(np.arange(len(self._people)), looked or [0], np.arange(max(1, len(looked))))
        before, after = np.floor(position).astype(int), np.ceil(position).astype(int)
        share = (position - before).astype(np.float32)[:, None, None]

        def between(values: Floats, share: Floats) -> Floats:
            mixed: Floats = (values[before] * (1 - share) + values[after] * share).astype(np.float32)
            return mixed

        return between(points, share[..., None]), between(visibility, share)


def _reversed_flows(flows: list[FlowStep]) -> list[FlowStep]:
    """Flow from each frame to the one before it, for a clip that plays backwards."""
    turned = [
        FlowStep(
            np.asarray(cv2.invertAffineTransform(flow.camera), np.float32),
            np.roll(flow.sectors, SECTORS // 2),
        )
        for flow in reversed(flows[1:])
    ]
    return [FlowStep.still(), *turned]
