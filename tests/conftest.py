"""Settings of the whole test run: where real data lies, Hypothesis, and that nobody's own uploads are looked at.

Examples have no deadline, because machines are busy, and are the same each time in CI.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# It holds a test that another module runs, and is no test module by its name.
pytest.register_assert_rewrite("tests.models.evaluation.killed_on_ray")

settings.register_profile("svge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("svge-ci", settings.get_profile("svge"), derandomize=True, print_blob=True)
settings.load_profile("svge-ci" if os.environ.get("CI") == "true" else "svge")

DATA_FOLDER = Path(os.environ.get("SVGE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session", autouse=True)
def _no_uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Also for the processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SVGE_UPLOADS_FOLDER", str(tmp_path_factory.mktemp("uploads")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The path of a file of published measurements by its name.

    Where it is missing the test is skipped, and fails with `CI=true`: a green run there has seen the real data.
    """

    def find(name: str) -> Path:
        path = DATA_FOLDER / name
        if not path.is_file():
            reason = f"the real data '{path}' is missing, so nothing is checked against it; set SVGE_TEST_DATA to its folder"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find
