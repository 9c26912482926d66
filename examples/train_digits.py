"""Trainers that work for a study: each asks for an architecture, trains it on handwritten digits, and reports its accuracy.

Start the service with `make serve`, then, from the repository's root:

    .venv/bin/python examples/train_digits.py --trainers 3 --trials 40

Any trainer may be killed: when the lease of its trial runs out, another one gets the same architecture. What is trained, and how,
is in `digits.py`.
"""

import argparse
import multiprocessing
import signal
import sys
import time
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import torch
from digits import EPOCHS, train_and_validate
from svge_client import Architecture as ProposedArchitecture
from svge_client import Client, LeaseLost, NothingToDo, Retry, SvgeError

from models.architectures.architecture import Architecture

LEASE_SECONDS = 20
WAIT_SECONDS = 1.0


def run_trainer(client: Client, study: str, seed: int, name: str, epochs: int = EPOCHS) -> None:
    """Train what the study hands out until all its trials are finished.

    When there is nothing new but trials still run elsewhere, it stays: one of their trainers may die.
    """
    torch.set_num_threads(1)
    while True:
        try:
            with client.trial(study) as running:
                started = time.monotonic()
                accuracy = train_and_validate(as_architecture(running.architecture), seed, epochs)
                seconds = time.monotonic() - started
                running.report(accuracy, metrics={"seconds": seconds})
        except NothingToDo:
            trials = client.study(study).trials
            if not trials.get("running") and not trials.get("waiting"):
                return
            time.sleep(WAIT_SECONDS)
        except LeaseLost as lost:
            print(f"{name}: {lost}", flush=True)
        else:
            best = client.study(study).best_value
            print(f"trial {running.number:3}  accuracy {accuracy:.4f}  best so far {best:.4f}  {seconds:.1f} s  {name}", flush=True)


def as_architecture(proposed: ProposedArchitecture) -> Architecture:
    return Architecture(proposed.space, proposed.nodes, proposed.edges)


def trainer_process(url: str, study: str, seed: int, name: str) -> None:
    """What one process does. Ctrl-C reaches it as well as the parent, and is no error."""
    try:
        with Client(url) as client:
            run_trainer(client, study, seed, name)
    except KeyboardInterrupt:
        sys.exit(130)
    except SvgeError as error:
        sys.exit(f"{name}: {error}")


def watch(trainers: dict[str, BaseProcess]) -> bool:
    """Wait for all trainers, and tell of those that end early. Whether at least one came to the study's end."""
    running = dict(trainers)
    while running:
        wait([trainer.sentinel for trainer in running.values()])
        for name, trainer in list(running.items()):
            if trainer.is_alive():
                continue
            del running[name]
            if trainer.exitcode:
                print(f"{name} {_ending(trainer)}; the others get its trial when its lease has run out", flush=True)
    return any(trainer.exitcode == 0 for trainer in trainers.values())


def summarise(client: Client, study_name: str) -> None:
    study = client.study(study_name)
    counts = ", ".join(f"{count} {state}" for state, count in study.trials.items() if count)
    print(f"\nstudy '{study.name}': {counts}")
    for best in client.best(study_name):
        print(f"best validation accuracy {best.value:.4f}, trial {best.number} (source: {best.source})")
        print(f"  nodes {', '.join(best.architecture.nodes)}")
        print(f"  edges {', '.join(f'{source}-{target}' for source, target in best.architecture.edges)}")


def _ending(trainer: BaseProcess) -> str:
    code = trainer.exitcode or 0
    return f"(process {trainer.pid}) was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def start_trainers(url: str, study: str, seed: int, count: int) -> dict[str, BaseProcess]:
    context = multiprocessing.get_context("spawn")
    trainers: dict[str, BaseProcess] = {}
    for name in (f"trainer-{number}" for number in range(1, count + 1)):
        trainers[name] = context.Process(target=trainer_process, args=(url, study, seed, name), name=name)
        trainers[name].start()
    return trainers


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a study's architectures on handwritten digits.")
    parser.add_argument("--trainers", type=int, default=3, help="processes that train side by side (default %(default)s)")
    parser.add_argument("--trials", type=int, default=40, help="budget of the study, where it is new (default %(default)s)")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the service (default %(default)s)")
    parser.add_argument("--study", default="digits", help="name of the study, created where it is not there (default %(default)s)")
    parser.add_argument("--space", default="nasbench101", help="search space (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the study and of the training (default %(default)s)")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    with Client(options.url, retry=Retry(attempts=4)) as client:
        study = client.create_study(
            options.study, options.space, seed=options.seed, max_trials=options.trials, lease_seconds=LEASE_SECONDS
        )
        print(f"study '{study.name}' in {study.space}: has {sum(study.trials.values())} of {study.max_trials} trials", flush=True)
        completed = watch(start_trainers(options.url, options.study, options.seed, options.trainers))
        summarise(client, options.study)
    if not completed:
        sys.exit("no trainer reached the end of the study; start the program again to go on")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except SvgeError as error:
        sys.exit(str(error))
