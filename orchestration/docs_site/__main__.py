"""`python -m orchestration.docs_site OUT`: the documentation site; see `make docs`."""

import sys
from pathlib import Path

from orchestration.docs_site.build import NotASite, build_site
from orchestration.docs_site.parse import parsed_manifest
from orchestration.settings import PROJECT_ROOT


def main(out: Path) -> int:
    try:
        with parsed_manifest() as manifest:
            n_pages = build_site(PROJECT_ROOT, manifest, out)
    except NotASite as problem:
        print(f"docs: {problem}", file=sys.stderr)
        return 1
    print(f"{n_pages} pages: {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "site")))
