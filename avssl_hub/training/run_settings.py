"""What the loop asks of the settings of any run."""

import dataclasses

from ._recipe_error import require
from .settings import LoopSettings, OptimizerSettings, ReadingSettings


class RunSettings:
    """Base of the frozen dataclasses that decide a run.

    Attributes:
        name: What the run makes.
        task: What kind of training it is, a name of :data:`avssl_hub.training.tasks.TASKS`; empty for a run that no
            recipe file describes.
        seed: Of all that is drawn.
        data: How clips are read.
        optimizer: How weights are moved.
        loop: How long, and what is kept on the way.
    """

    name: str
    task: str = ""
    seed: int
    data: ReadingSettings
    optimizer: OptimizerSettings
    loop: LoopSettings

    def epoch_steps(self, num_items: int) -> int:
        """Count the steps of an epoch over ``num_items`` items.

        Raises:
            RecipeError: There are fewer clips than a batch has.
        """
        size, each = self.loop.batch_size, self.data.clips_per_item
        rule = f"at most the clips of an epoch, {num_items} items times data.clips_per_item={each}"
        require(size <= num_items * each, "loop.batch_size", size, rule)
        return num_items * each // size

    def num_steps(self, num_items: int) -> int:
        """Count the steps of the whole run over ``num_items`` items."""
        return self.loop.steps or self.loop.epochs * self.epoch_steps(num_items)

    def check_processes(self, processes: int) -> None:
        """Refuse processes that cannot share out a batch equally.

        Raises:
            RecipeError: A process would get a part of a clip.
        """
        parts = processes * self.loop.accumulation
        rule = f"a multiple of {parts}: {processes} processes, each in {self.loop.accumulation} parts"
        require(self.loop.batch_size % parts == 0, "loop.batch_size", self.loop.batch_size, rule)

    def to_dict(self) -> dict:
        """Return the settings as plain values, as YAML holds them."""
        return dataclasses.asdict(self)
