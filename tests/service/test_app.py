import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError

from service.app import create_app
from service.settings import Settings
from service.studies import leases
from service.studies.context import Context
from tests.fakes import FakeWorker, write_model
from tests.service.api.harness import running

ROOT = Path(__file__).parents[2]


def test_the_dashboard_loads_neither_torch_nor_pandas() -> None:
    code = "import sys; from service.dashboard.application import build; build(); print({'torch', 'pandas'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_the_api_process_does_not_load_torch() -> None:
    code = "import sys, service.app; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_the_sweep_survives_whatever_goes_wrong_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sweeps = []

    async def sweep(context: Context) -> int:
        sweeps.append(context)
        raise OverflowError("a date beyond the calendar")

    async def run() -> None:
        async with running(tmp_path, sweep_seconds=0.01):
            with anyio.fail_after(30):
                while len(sweeps) < 3:
                    await anyio.sleep(0.01)

    monkeypatch.setattr(leases, "sweep", sweep)
    anyio.run(run)
    assert "a date beyond the calendar" in caplog.text


@pytest.mark.parametrize("name", ["lease_seconds", "max_attempts", "sweep_seconds", "compute_seconds", "idempotency_hours"])
def test_settings_that_would_overflow_the_calendar_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: 10**12})


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
