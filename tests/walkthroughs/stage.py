"""A terminal and a browser in which tasks are done, each timed, each with a picture."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

COLUMNS = 118
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@dataclass
class Stage:
    """Where the tasks are done; `done` gathers task, steps and seconds."""

    data: Path
    pictures: Path
    browser: Any
    done: list[tuple[str, str, int, float]] = field(default_factory=list)

    @contextmanager
    def task(self, who: str, what: str, steps: int) -> Iterator[None]:
        """Time a task; steps are commands, clicks and entries."""
        began = time.monotonic()
        yield
        self.done.append((who, what, steps, time.monotonic() - began))
        print(f"{who}: {what}: {self.done[-1][3]:.1f} s", flush=True)

    def crlm(self, *arguments: str, returns: int = 0) -> str:
        """A command in a terminal of COLUMNS columns; what it printed (what it printed of errors after it)."""
        environment = {**os.environ, "CRLM_DATA_DIR": str(self.data), "COLUMNS": str(COLUMNS), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.command_line", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == returns, done.stdout + done.stderr
        return done.stdout + (done.stderr if returns else "")

    def tab(self, width: int = 1180, height: int = 780) -> Any:
        """A new page of the browser, with nothing kept from another."""
        return self.browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True).new_page()

    def picture(self, tab: Any, name: str, **options: Any) -> None:
        """A small PNG of what the browser shows."""
        file = self.pictures / f"{name}.png"
        tab.screenshot(path=str(file), **options)
        if shutil.which("convert"):
            subprocess.run(["convert", str(file), "-resize", "820x", "-colors", "48", "-strip", str(file)], check=True)

    def terminal_picture(self, name: str, command: str, printed: str, begins: str = "", lines: int = 60) -> None:
        """A terminal with the command and the first lines of its answer, or those from one on; this machine's folders are not in it."""
        told = [line.rstrip() for line in printed.replace(str(self.data), "data").splitlines()]
        first = next((number for number, line in enumerate(told) if line.startswith(begins)), 0)
        shown = [
            *(["..."] if first else []),
            *told[first : first + lines],
            *(["..."] if first + lines < len(told) else []),
        ]
        style = f"max-width:{COLUMNS}ch;white-space:pre-wrap;overflow-wrap:anywhere;font:12.5px/1.35 DejaVu Sans Mono,monospace"
        tab = self.tab(980, 200)
        tab.set_content(
            "<body style='margin:0;background:#1f2933'>"
            f"<pre style='margin:0;padding:14px;color:#e7ebef;display:inline-block;{style}'>"
            f"<b>$ {escape(command)}</b>\n{escape(chr(10).join(shown))}</pre></body>"
        )
        self.picture(tab, name, full_page=True)
        tab.context.close()
