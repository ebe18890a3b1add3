"""`hitpoint hosts`, also as `python -m hitpoint_plugin.connect`. Needs no Qt."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hitpoint.cli import console
from hitpoint.errors import HitpointError, UsageError
from hitpoint_plugin.connect.install import Setting, exchange_of, install, is_installed, remove
from hitpoint_plugin.connect.places import (
    SCRIPTS,
    TITLES,
    exchange_folder,
    host_named,
    state_folder,
    this_machine,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Connectors for editors. Nothing is ever installed into an editor's own Python.",
)

Name = Annotated[str, typer.Argument(help=f"{', '.join(TITLES)}.")]
State = Annotated[Path | None, typer.Option(help="The panel's state folder, if it is not the usual one.")]
Force = Annotated[bool, typer.Option("--force", help="Also files that were changed since.")]


@app.command("list")
def list_hosts(
    state: State = None, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """List the editors, and what is installed for each."""
    rows = [
        {"host": host, "name": title, "route": _route(host), "installed": is_installed(host, _state(state))}
        for host, title in TITLES.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        mark = "installed" if row["installed"] else "-"
        typer.echo(f"{row['host']:<10} {mark:<10} {row['name']}: {row['route']}")


@app.command("install")
def install_host(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="Another folder than the editor's own.")] = None,
    exchange: Annotated[Path | None, typer.Option(help="Where exports and sounds go.")] = None,
    state: State = None,
    force: Force = False,
) -> None:
    """Put a connector into an editor's folder for scripts, or make its exchange folder."""
    host = host_named(name)
    setting = Setting(_state(state), (exchange or exchange_folder()).absolute())
    for path in install(host, this_machine(), setting, to, force=force):
        typer.echo(str(path))
    folder = exchange_of(host, setting) if to is None else to.absolute()
    after = {
        "resolve": "In Resolve: Workspace > Scripts > Hitpoint.",
        "blender": "In Blender: Edit > Preferences > Add-ons, switch on Hitpoint.",
    }.get(host, f"Now run: hitpoint hosts watch '{folder}'")
    console.err.print(after, soft_wrap=True, markup=False)


@app.command("remove")
def remove_host(name: Name, state: State = None, force: Force = False) -> None:
    """Take away exactly what was installed. A file that was changed since is named and kept."""
    gone = remove(host_named(name), _state(state), force=force)
    for path in gone:
        typer.echo(str(path))
    if not gone:
        console.err.print("Nothing was installed.")


@app.command("watch")
def watch_folder(
    folder: Annotated[Path, typer.Argument(help="Where timelines are exported to.")],
    style: Annotated[str, typer.Option(help="As of hitpoint score.")] = "auto",
    seed: Annotated[int, typer.Option(min=0)] = 1,
    intensity: Annotated[float, typer.Option(min=0, max=1)] = 0.6,
    loudness: Annotated[float, typer.Option(min=-40, max=-8, help="Target in LUFS.")] = -14.0,
    region: Annotated[str | None, typer.Option(help="Only under the marker of that name.")] = None,
    media_root: Annotated[Path | None, typer.Option(help="Where to look for moved media.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Another model bundle.")] = None,
    videos: Annotated[bool, typer.Option("--videos", help="Score video files as well.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Answer what is there, and end.")] = False,
) -> None:
    """Score every timeline that is exported into a folder; answers go into the folder "scored" below it."""
    from hitpoint.values import Scope, ScoreRequest
    from hitpoint_plugin.connect.watch import ANSWERS, Answer, Watch, watch

    folder = folder.absolute()
    if not folder.is_dir():
        raise UsageError(f"The folder {folder} does not exist.", "Create it, or name another.")
    scope = Scope(region=region) if region else Scope(whole=True)
    request = ScoreRequest(
        timeline=folder, scope=scope, style=style, seed=seed, intensity=intensity, loudness=loudness,
        media_root=media_root, bundle=bundle,
    )  # fmt: skip

    def said(answer: Answer) -> None:
        typer.echo(f"{'scored' if answer.scored else 'failed'}\t{answer.source.name}\t{answer.written}")

    console.err.print(f"Watching {folder}; answers go to {folder / ANSWERS}.", soft_wrap=True, markup=False)
    watched = Watch(folder, request, videos=videos)
    failed = console.run(lambda progress: watch(watched, said, progress, once=once), quiet=True)
    sys.exit(1 if failed else 0)


def _route(host: str) -> str:
    return "a script in the editor" if host in SCRIPTS else "files through a watched folder"


def _state(state: Path | None) -> Path:
    return state_folder() if state is None else state.absolute()


def main() -> None:
    """Exit 0 done, 1 failed, 2 wrong use, 130 cancelled."""
    try:
        app(prog_name="hitpoint hosts")
    except HitpointError as error:
        console.fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
