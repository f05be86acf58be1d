"""Commands that keep Dagster running: on a desk, on a server."""

from typing import Annotated

import typer

from orchestration.commands.shared import console, fail
from orchestration.settings import load_settings

commands = typer.Typer()
PANEL = "Dagster"


def _ready_for_dagster(port: int | None) -> None:
    from orchestration.nightly import prepare_dagster_home
    from orchestration.page.service import port_is_free
    from orchestration.page.storage import StorageAway

    try:
        prepare_dagster_home(load_settings())
    except StorageAway as away:
        raise fail(str(away)) from away
    if port is not None and not port_is_free(port):
        raise fail(f"port {port} is taken: give another with --port")


@commands.command(rich_help_panel=PANEL)
def ui(port: Annotated[int, typer.Option(help="Local port.")] = 3000) -> None:
    """Open Dagster: lineage, runs, reruns and the nightly schedule, at localhost; foreign names are refused."""
    from orchestration.page.service import daemon_command, page_command, run_together

    _ready_for_dagster(port)
    console.print(f"Dagster at http://localhost:{port} (Ctrl-C ends it)", highlight=False)
    # the daemon runs the schedule; the page is what people see
    raise typer.Exit(run_together([page_command(port), daemon_command()]))


@commands.command(rich_help_panel=PANEL)
def serve(
    what: Annotated[str, typer.Argument(help="web: Dagster's page. daemon: nights, queue and notices.")],
    port: Annotated[int, typer.Option(help="Of the page.")] = 3000,
    host: Annotated[
        str, typer.Option(help="Address that the page listens on; a proxy with a login belongs before it.")
    ] = "127.0.0.1",
) -> None:
    """One half of the service in the foreground, for a service manager (docs/deploy.md)."""
    from orchestration.page.service import become, daemon_command, page_command

    if what not in ("web", "daemon"):
        raise fail(f"'{what}' is neither web nor daemon", status=2)
    _ready_for_dagster(port if what == "web" else None)
    become(page_command(port, host) if what == "web" else daemon_command())
