"""dbt's manifest of the code as it is, without touching anybody's data folder."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.settings import Settings


@contextmanager
def parsed_manifest() -> Iterator[Path]:
    """The manifest's file for the length of a `with` block; parsed once an installation (see `dbt_parse`)."""
    from orchestration.dbt_build.arguments import current_manifest

    with tempfile.TemporaryDirectory(prefix="crlm_docs_") as folder:
        settings = Settings(data_dir=Path(folder))
        settings.prepare_folders()
        yield current_manifest(settings)
