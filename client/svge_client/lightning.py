"""A callback for PyTorch Lightning: `pip install 'svge-client[lightning]'`.

with client.trial("demo") as trial:
    trainer = Trainer(max_epochs=50, callbacks=[SvgeCallback(trial, monitor="val_accuracy")])
    trainer.fit(Model(trial.architecture), data)
    trial.report(trainer.callback_metrics["val_accuracy"].item())
"""

from typing import Any

from svge_client._sync.running import RunningTrial
from svge_client.errors import MissingExtra, TrialStopped

try:
    from lightning.pytorch import Callback
except ImportError:
    try:
        from pytorch_lightning import Callback
    except ImportError as error:
        raise MissingExtra("svge_client.lightning", "lightning") from error


class SvgeCallback(Callback):  # type: ignore[misc]
    """Tells a running trial the monitored metric after every validation epoch, and ends the training where the study's stopping
    rule advises to, or where the metric is not finite. The lease is renewed by the trial itself.

    The training ends in order, with its checkpoints written; then `trainer.fit` raises `TrialStopped`, which the `with` block of
    the trial reports as stopped, or failed where the value is not finite, and does not let out. `monitor` is the name under which
    the module logs the metric; one that is never logged is a `ValueError`. With several processes the first one speaks for all.
    """

    def __init__(self, trial: RunningTrial, monitor: str) -> None:
        self._trial = trial
        self._monitor = monitor
        self._stopped: TrialStopped | None = None

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if trainer.is_global_zero and self._stopped is None:
            self._tell(trainer)
        if trainer.strategy.reduce_boolean_decision(self._stopped is not None, all=False):
            trainer.should_stop = True

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Raises `TrialStopped` where the training was ended."""
        if self._stopped is not None:
            raise self._stopped

    def _tell(self, trainer: Any) -> None:
        if self._monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(trainer.callback_metrics)) or "nothing"
            raise ValueError(f"the module does not log '{self._monitor}' in its validation, but {known}; name one of these")
        try:
            self._trial.progress(trainer.current_epoch + 1, float(trainer.callback_metrics[self._monitor]))
        except TrialStopped as stopped:
            self._stopped = stopped
