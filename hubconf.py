"""Entry points for ``torch.hub``: one a model variant, generated from the model cards, and their processors.

``torch.hub.load(repository, "avid_cma", pretrained="audioset")``; the package itself need not be installed.
"""

from importlib import import_module as _import_module

from avssl_hub import zoo as _zoo
from avssl_hub._loading import read_config as _read_config
from avssl_hub.errors import unknown_name as _unknown_name

dependencies = ["torch", "torchvision", "torchaudio", "transformers", "huggingface_hub", "safetensors", "av", "yaml"]


def _entry_point(variant, names):
    cards = [_zoo.card(name) for name in names.values()]
    # Of the authors' networks rather than our small ones.
    first = next((card for card in cards if card.original), cards[0])

    def build(pretrained=None, **kwargs):
        if pretrained is None:
            model_class = getattr(_import_module(f"avssl_hub.models.{first.family}"), first.class_)
            # Our own small networks have their sizes, not the paper's.
            paper = _read_config(first.path.parent) if first.original else {}
            return model_class(model_class.config_class.from_dict({**paper, **kwargs}))
        if pretrained not in names:
            raise _unknown_name(f"pretrained value of {variant}", str(pretrained), names, "None builds it untrained.")
        return _zoo.load(names[pretrained], **kwargs)

    build.__name__ = build.__qualname__ = variant
    build.__doc__ = _describe(variant, names, first)
    return build


def _describe(variant, names, first):
    choices = "\n".join(f'        "{value}": {_zoo.card(name).summary}' for value, name in names.items())
    example = next(iter(names))
    return f"""{first.class_} of {first.paper.title} ({first.paper.venue} {first.paper.year}).

    Args:
        pretrained: Which weights; None builds the paper's network untrained.
{choices}
        **kwargs: With weights, passed to `avssl_hub.load` (`revision`, `dtype`, ...); without, values of the config.

    Returns:
        A transformers model, in evaluation mode when pretrained.

    Example:
        model = torch.hub.load(repository, "{variant}", pretrained="{example}")
        processor = torch.hub.load(repository, "processor", "{names[example]}")
    """


def processor(name, **kwargs):
    """The processor that makes a model's inputs from files, bytes or arrays.

    Args:
        name: Of the checkpoint, as the variants' help has it: "avid_cma.audioset". Its weights need not be here.
        **kwargs: Passed to `avssl_hub.load_processor`: `revision`, and values that replace the stored ones.

    Returns:
        A feature extractor of transformers.

    Example:
        model = torch.hub.load(repository, "avid_cma", pretrained="tiny.avworld")
        processor = torch.hub.load(repository, "processor", "avid_cma_tiny.avworld")
        output = model(**processor(videos="my_video.mp4", audio="my_video.mp4"))
    """
    return _zoo.load_processor(name, **kwargs)


def _entry_points():
    variants = {}
    for _card in _zoo.catalogue().values():
        for variant in _card.torch_hub.entry_points:
            variants.setdefault(variant, {})[_card.torch_hub.pretrained] = _card.name
    return {variant: _entry_point(variant, names) for variant, names in variants.items()}


globals().update(_entry_points())
