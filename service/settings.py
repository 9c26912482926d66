"""Every setting of the service, read once from `SVGE_…` environment variables. Each is enforced where it applies."""

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.pretrained.catalogue import FOLDER


class Settings(BaseSettings):
    """The settings of one API process; a field `name` is the environment variable `SVGE_NAME`."""

    model_config = SettingsConfigDict(env_prefix="SVGE_", frozen=True, protected_namespaces=())

    database_url: str = Field("sqlite:///data/svge.db", description="SQLAlchemy URL of the database; an SQLite file is created.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 picks a free one.")
    auth: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether requests need a key: auto = but for this machine on its own address; on; off.",
    )
    device: str = Field("auto", description="Where the model computes: auto, cpu, cuda or cuda:N.")
    worker: Literal["local", "ray"] = Field(
        "local", description="Where the model computes: in a process of this machine, or on a Ray cluster."
    )
    ray_address: str = Field(
        "ray://127.0.0.1:10001", pattern=r"^ray://.+", description="Client server of the Ray cluster, ray://HOST:PORT."
    )
    ray_coders: int = Field(1, ge=1, le=1000, description="Replicas on Ray that encode, decode and predict.")
    ray_coders_max: int = Field(0, ge=0, le=1000, description="Most of them, by load; 0 = always as many.")
    ray_proposers: int = Field(1, ge=1, le=1000, description="Replicas on Ray that propose.")
    ray_proposers_max: int = Field(0, ge=0, le=1000, description="Most of them, by load; 0 = always as many.")
    ray_cpus: float = Field(1.0, ge=0, le=1024, description="CPUs that one replica takes on Ray.")
    ray_gpus: float = Field(0.0, ge=0, le=64, description="GPUs that one replica takes on Ray; 0.25 puts four on one.")

    models_folder: Path = Field(FOLDER, description="Folder of checkpoints (NAME.safetensors) and their cards (NAME.json).")
    uploads_folder: Path = Field(
        Path("data/models"), description="Folder of more of them, which uploads go to; all processes of a database share it."
    )
    log_level: str = Field(
        "INFO",
        pattern="(?i)^(debug|info|warning|error)$",
        description="Least severe log messages to write: DEBUG, INFO, WARNING or ERROR.",
    )

    lease_seconds: int = Field(
        900, ge=0, le=10_000_000, description="Default lease after a trial's last sign of life, in seconds; 0 = none."
    )
    max_attempts: int = Field(3, ge=1, le=1000, description="Default for how often a trial whose lease runs out is handed out.")
    sweep_seconds: float = Field(5.0, gt=0, le=86_400, description="Time between two sweeps for leases that ran out, in seconds.")
    suggest_wait_seconds: float = Field(10.0, ge=0, le=86_400, description="Longest default wait for a fresh proposal, in seconds.")
    max_wait_seconds: float = Field(120.0, ge=0, le=86_400, description="Longest wait that a suggest may ask for, in seconds.")
    compute_seconds: float = Field(
        120.0, gt=0, le=86_400, description="Longest time one call of the model worker may take, in seconds; then it is ended."
    )

    idempotency_hours: float = Field(
        24.0, gt=0, le=87_600, description="How long an answer is kept for its Idempotency-Key, in hours."
    )

    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Largest request body but for checkpoints, in bytes.")
    max_checkpoint_bytes: int = Field(256 * 1024 * 1024, ge=1024, description="Largest checkpoint that is uploaded, in bytes.")
    max_count: int = Field(256, ge=1, description="Most trials in one suggest, and most proposals in one computation.")
    max_batch: int = Field(
        5000,
        ge=1,
        le=20_000,
        description="Most observations, architectures, latent points, trials or steps of progress in one request.",
    )
    max_import_rows: int = Field(
        50_000, ge=1, le=1_000_000, description="Most rows in one file of results; its size is bounded by max_body_bytes."
    )
    max_observations: int = Field(
        20_000,
        ge=100,
        description="Most observations behind one proposal; of more the best, the newest and an even spread are taken.",
    )
    max_samples: int = Field(20000, ge=1, description="Most decodings in one request: latent points times samples.")
    max_drawings: int = Field(100, ge=1, description="Most drawings in one SVG picture.")
    max_page: int = Field(1000, ge=1, description="Most entries in one page of a listing.")

    requests_per_minute: int = Field(
        12_000, ge=0, description="Most requests a minute from one address to one API process; 0 = no limit."
    )

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where checkpoints and spaces are read from, in the order in which a study without a model gets one."""
        is_one = self.models_folder.resolve() == self.uploads_folder.resolve()
        return (self.uploads_folder,) if is_one else (self.models_folder, self.uploads_folder)

    @property
    def needs_keys(self) -> bool:
        """Whether requests need a key."""
        return self.auth == "on" or (self.auth == "auto" and not is_loopback(self.host))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
