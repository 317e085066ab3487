"""Fine-tuning on actions, by picture and sound or by picture alone (section 5 of the paper)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...models.multisensory import MultisensoryForVideoClassification
from ...objectives import ObjectiveOutput
from .._recipe_error import require
from .batch import SceneBatch
from .recipe import SceneRecipe
from .run import SceneRun
from .windows import AlignedWindows


@dataclass(frozen=True)
class RecognitionRecipe(SceneRecipe):
    """All that decides a fine-tuning run; ``model.use_sound=false`` makes the paper's network that only sees.

    A recording without sound is learned from its picture, as the network takes it; one that is shorter than a clip
    repeats its last frame, and its sound ends early.
    """

    network: ClassVar = MultisensoryForVideoClassification
    needs_sound: ClassVar = False

    task: Literal["recognition"] = "recognition"

    def windows(self) -> AlignedWindows:
        return AlignedWindows(self.build_processor().num_frames, whole=False)

    def build_network(self, classes: list[str]) -> MultisensoryForVideoClassification:
        rule = "a table with a label in every row, of at least two classes"
        require(len(classes) > 1, "data.manifest", f"{len(classes)} classes", rule)
        config = self.build_config()
        config.id2label = dict(enumerate(classes))
        config.label2id = {name: number for number, name in enumerate(classes)}
        return self.network(config)


class RecognitionRun(SceneRun):
    """Fine-tuning under way."""

    recipe: RecognitionRecipe

    def rate(self, part: SceneBatch) -> ObjectiveOutput:
        sounds, heard = part.heard()
        output = self.model(
            pixel_values_videos=part.pixels,
            input_values=sounds[:, 0],
            audio_mask=heard,
            labels=part.labels,
        )
        right = (output.logits.argmax(1) == part.labels).float().mean()
        network = self.accelerator.unwrap_model(self.model)
        return self.with_decay(output.loss, network, classification=output.loss, accuracy=right)
