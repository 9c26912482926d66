import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from sqlalchemy.exc import DatabaseError

from service.app import create_app
from service.settings import Settings
from tests.fakes import FakeWorker, write_model
from tests.service.api.harness import running

ROOT = Path(__file__).parents[2]


def test_the_api_process_does_not_load_torch() -> None:
    code = "import sys, service.app; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_the_end_of_the_service_closes_the_worker(tmp_path: Path) -> None:
    async def run() -> bool:
        async with running(tmp_path) as service:
            assert not service.worker.closed
        return service.worker.closed

    assert anyio.run(run)


def test_a_service_that_cannot_start_closes_the_worker(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"this is no database" * 100)

    async def run() -> None:
        write_model(tmp_path, "lines", "nasbench201")
        worker = FakeWorker(tmp_path)
        app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/test.db", models_folder=tmp_path), worker)
        with pytest.raises(DatabaseError, match="not a database"):
            async with app.router.lifespan_context(app):
                pass
        assert worker.closed

    anyio.run(run)
