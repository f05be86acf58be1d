"""One first night for all tests of this folder, which work on copies of it."""

import pytest

from tests.incremental.hospital import Hospital, small_hospital


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    hospital = small_hospital(tmp_path_factory.mktemp("incremental") / "first", 60)
    hospital.night()
    return hospital
