"""The `crlm` command line: the commands of each room, in the order in which help lists them."""

from orchestration.commands import margins, nights, published, service, sources
from orchestration.commands.shared import app

for room in (nights, published, sources, margins, service):
    app.add_typer(room.commands)

if __name__ == "__main__":
    app()
