"""The process that draws the night's pages while the publication goes on: `python -m orchestration.reporting`.

It is started before there is anything to draw, so that it has imported what draws; a request comes through its standard input, the
pages go back through its standard output. It reads published files only and writes none; it ends with the night's process.
"""

import os
import pickle
import sys
import threading

from orchestration.dbt_build.child import end_with_parent
from orchestration.nights.uncollected import uncollected


def main() -> None:
    """Wait for a request, and draw."""
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    pages = os.fdopen(os.dup(1), "wb")
    # what a library prints must not come between
    os.dup2(2, 1)
    # slow to import, and each is imported where it is used
    with uncollected():
        import altair
        import docx
        import vl_convert

        import analysis.explore
        import analysis.report
        from orchestration.reporting.pages import draw_pages

    _ = (altair, docx, vl_convert, analysis.explore, analysis.report)
    try:
        request = pickle.load(sys.stdin.buffer)
    except EOFError:
        return
    pickle.dump(draw_pages(*request), pages)
    pages.close()
