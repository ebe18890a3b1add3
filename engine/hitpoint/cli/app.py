"""The commands. Each parses, builds a request, calls the engine and prints; nothing else happens here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.markup import escape

from hitpoint import __version__
from hitpoint.backends.api import NAMES as BACKENDS
from hitpoint.cli import console, reports
from hitpoint.cli.batch import batch
from hitpoint.cli.convert import convert
from hitpoint.cli.evaluate import FORWARD, evaluate
from hitpoint.cli.hosts import hosts
from hitpoint.cli.remake import remake
from hitpoint.cli.where import ducking, intensity_curve, where
from hitpoint.cue.plan import STYLES
from hitpoint.errors import HitpointError, MissingExtraError, UsageError
from hitpoint.progress import Progress
from hitpoint.values import GUIDANCE, STEPS, AccentKind, ScoreRequest

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Music that lands on the movement.",
)

Input = Annotated[Path, typer.Argument(help="A timeline in any format, or a video file.")]
ClipOption = Annotated[
    list[str] | None,
    typer.Option("--clip", help="Name or number (see inspect), or FIRST..LAST; repeat it for several."),
]
RangeOption = Annotated[
    str | None, typer.Option("--range", help="IN-OUT in the clip, IN..OUT on the timeline: 1.5-8, 10..25.")
]
TrackOption = Annotated[str | None, typer.Option("--track", help="A video track: its name, or V1.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="A marker that lasts, or a pair of them.")]
WholeOption = Annotated[bool, typer.Option("--whole", help="The whole timeline as one cue.")]
HandlesOption = Annotated[bool, typer.Option("--handles", help="With the transitions at both ends.")]
MarkersOption = Annotated[
    bool | None,
    typer.Option("--hits-from-markers/--no-hits-from-markers", help="Markers are the hit points, or not."),
]
AccentsOption = Annotated[str, typer.Option(help="What counts as an accent: impact, onset or pulse.")]
RootOption = Annotated[Path | None, typer.Option("--media-root", help="Where to look for moved media.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]


def accent_kind(name: str) -> AccentKind:
    """The accent definition of that name, or `UsageError`."""
    kinds: tuple[AccentKind, ...] = get_args(AccentKind)
    for kind in kinds:
        if kind == name:
            return kind
    raise UsageError(f"There is no accent definition {name!r}.", f"Use one of: {', '.join(kinds)}.")


@app.command()
def score(
    source: Input,
    output: Annotated[Path, typer.Option("--output", "-o", help="The timeline to write, in any format.")],
    clip: ClipOption = None,
    range_: RangeOption = None,
    track: TrackOption = None,
    region: RegionOption = None,
    whole: WholeOption = False,
    handles: HandlesOption = False,
    style: Annotated[str, typer.Option(help=f"auto, {', '.join(STYLES)}.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Other seed, other music.")] = 1,
    steps: Annotated[int, typer.Option(min=1, max=128, help="Sampler steps.")] = STEPS,
    takes: Annotated[int, typer.Option(min=1, max=32, help="Make so many and keep the best.")] = 1,
    intensity: Annotated[float, typer.Option(min=0, max=1)] = 0.6,
    curve: Annotated[
        str | None,
        typer.Option(
            "--intensity-curve", help="Instead, over time: 0:0.3,10:0.9,25:0.5 (seconds), or a file."
        ),
    ] = None,
    tail: Annotated[
        float | None, typer.Option(min=0, help="Seconds that the last sound rings, if no hit forbids it.")
    ] = None,
    guidance: Annotated[
        float, typer.Option(min=1, max=4, help="How strictly the plan is followed.")
    ] = GUIDANCE,
    loudness: Annotated[float, typer.Option(min=-40, max=-8, help="Target in LUFS.")] = -14.0,
    bpm: Annotated[float | None, typer.Option(min=40, max=240, help="Pin the tempo.")] = None,
    accents: AccentsOption = "impact",
    markers: MarkersOption = None,
    duck: Annotated[str, typer.Option(help="Turn the music down under speech: off or auto.")] = "off",
    duck_level: Annotated[float, typer.Option(min=-40, max=0, help="By so many dB.")] = -10.0,
    duck_attack: Annotated[float, typer.Option(min=0, max=5, help="Seconds on the way down.")] = 0.25,
    duck_release: Annotated[float, typer.Option(min=0, max=10, help="Seconds on the way back.")] = 0.8,
    duck_into: Annotated[str, typer.Option(help="Where: auto, wav or automation.")] = "auto",
    bundle: Annotated[Path | None, typer.Option(help="Another model bundle.")] = None,
    media_root: RootOption = None,
    backend: Annotated[str, typer.Option(help=f"What runs the model: auto, {', '.join(BACKENDS)}.")] = "auto",
    stream: Annotated[
        Path | None,
        typer.Option(help="A WAV file or pipe to listen to while the music is made; then other music."),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score a clip, or several as one cue: music whose accents land on the movement, laid on the timeline."""
    from hitpoint.score import score as score_clip

    def work(progress: Progress) -> str:
        chosen = where(source, clip, range_, track, region, whole, handles)
        request = ScoreRequest(
            timeline=source, clip=chosen.clip, range=chosen.range, scope=chosen.scope, style=style, seed=seed,
            steps=steps, takes=takes, intensity=intensity, guidance=guidance, loudness=loudness, bpm=bpm,
            accents=accent_kind(accents), markers=markers, tail=tail, intensity_curve=intensity_curve(curve),
            ducking=ducking(duck, duck_level, duck_attack, duck_release, duck_into), bundle=bundle,
            backend=backend, stream=stream, media_root=media_root,
        )  # fmt: skip
        result = score_clip(request, output, progress)
        if not as_json:
            console.warn((*result.warnings, *result.losses))
            console.err.print(reports.score_table(result))
            return str(result.output)
        return reports.dumps(reports.score_json(result))

    _print(console.run(work, quiet=as_json and not sys.stderr.isatty(), debug=debug))


app.command()(batch)
app.command(context_settings=FORWARD)(evaluate)
app.command()(convert)
app.command()(remake)
app.command(context_settings=FORWARD)(hosts)


@app.command()
def rhythm(
    source: Input,
    clip: ClipOption = None,
    range_: RangeOption = None,
    track: TrackOption = None,
    region: RegionOption = None,
    whole: WholeOption = False,
    handles: HandlesOption = False,
    accents: AccentsOption = "impact",
    markers: MarkersOption = None,
    bpm: Annotated[float | None, typer.Option(min=40, max=240, help="Pin the tempo.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw frames above the curve into this PNG.")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show what Hitpoint sees in a clip: movement, accents, cuts, tempo, hit points."""
    from hitpoint.rhythm.plot import plot_rhythm
    from hitpoint.see import see

    def work(progress: Progress) -> str:
        chosen = where(source, clip, range_, track, region, whole, handles)
        if plot is not None and chosen.scope is not None:
            raise UsageError("--plot draws one clip.", "Name the clip with --clip.")
        request = ScoreRequest(
            timeline=source, clip=chosen.clip, range=chosen.range, scope=chosen.scope,
            accents=accent_kind(accents), markers=markers, bpm=bpm,
        )  # fmt: skip
        seen = see(request, progress)
        if plot is not None:
            plot_rhythm(seen.rhythm, seen.selection.media, plot)
        if as_json:
            return reports.dumps(reports.rhythm_json(seen.rhythm))
        console.warn(seen.rhythm.warnings)
        return reports.rhythm_text(seen.rhythm)

    _print(console.run(work, quiet=as_json and not sys.stderr.isatty(), debug=debug))


@app.command()
def inspect(
    source: Input,
    media_root: RootOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the clips of a timeline."""
    from hitpoint.timeline.read import read_timeline

    timeline = console.run(lambda _progress: read_timeline(source, media_root), quiet=True, debug=debug)
    if as_json:
        _print(reports.dumps(reports.timeline_json(timeline)))
        return
    console.warn((*timeline.losses, *timeline.warnings))
    console.out.print(reports.timeline_table(timeline))


@app.command()
def remove(
    timeline: Annotated[Path, typer.Argument(help="A timeline that Hitpoint has scored.")],
    debug: DebugOption = False,
) -> None:
    """Take our music off a timeline; the file is what it was before, byte for byte."""
    from hitpoint.timeline.remove import remove as remove_score

    report = console.run(lambda _progress: remove_score(timeline), quiet=True, debug=debug)
    _print(report.sentence)


@app.command()
def verify(
    sound: Annotated[Path, typer.Argument(help="A WAV file.")],
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say whether a WAV was made by Hitpoint, and by which model, seed and request."""
    from hitpoint.cue.verify import read_origin

    origin = console.run(lambda _progress: read_origin(sound), quiet=True, debug=debug)
    _print(reports.dumps(reports.origin_json(origin)) if as_json else reports.origin_text(origin))
    raise SystemExit(0 if origin.ai_generated and origin.intact else 1)


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the model bundles on this machine."""
    from hitpoint.cue.bundle import installed_bundles

    found = installed_bundles()
    _print(reports.dumps(reports.bundles_json(found)) if as_json else reports.bundles_text(found))


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say what works on this machine and what is missing."""
    from hitpoint.doctor import examine

    findings = examine()
    if as_json:
        _print(reports.dumps([{"part": f.part, "works": f.works, "text": f.text} for f in findings]))
    else:
        for finding in findings:
            mark = "[green]works[/]  " if finding.works else "[red]missing[/]"
            console.out.print(f"{mark} {finding.part}: {escape(finding.text)}", soft_wrap=True)
    raise SystemExit(0 if all(f.works or f.optional for f in findings) else 1)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where the results go.")] = Path("demo-out"),
    seconds: Annotated[float, typer.Option(min=4, max=120)] = 20.0,
    style: Annotated[str, typer.Option()] = "auto",
    debug: DebugOption = False,
) -> None:
    """Draw a dancer, score the clip, and say where everything lies."""
    from hitpoint.demo.show import show

    lines = console.run(lambda progress: show(folder, seconds, style, progress), debug=debug)
    _print("\n".join(lines))


@app.command()
def panel(
    source: Annotated[Path | None, typer.Argument(help="A timeline or a video file.")] = None,
    screenshot: Annotated[Path | None, typer.Option(help="Draw the loaded window into this PNG.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT of the window.")] = None,
) -> None:
    """Open the window."""
    from hitpoint.cli.panel import open_panel

    raise SystemExit(open_panel(source, screenshot, size))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"hitpoint {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Music that lands on the movement."""


def main() -> None:
    """Entry point of `hitpoint`: exit 0 done, 1 failed, 2 wrong use, 130 cancelled."""
    try:
        app()
    except HitpointError as error:
        console.fail(error)
    except ImportError as error:  # on a server: OpenCV's build for desktops finds no libGL
        what = f"A library does not load ({error})."
        console.fail(MissingExtraError(what, "What is missing, and how to get it, says: hitpoint doctor"))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
