"""Puts the contract suite's hosts on a Ray cluster, in a process that may load Ray: `SETTINGS FOLDER`, the settings as JSON."""

import sys
from functools import partial
from pathlib import Path

from service.settings import Settings
from service.workers.ray_application import deploy
from tests.service.contract.ray_host import ContractHost

if __name__ == "__main__":
    deploy(Settings.model_validate_json(sys.argv[1]), partial(ContractHost, Path(sys.argv[2])))
