"""What every model family has to do; a family's test class inherits this and provides models and inputs."""

import copy
import inspect

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel

from avssl_hub import load
from avssl_hub.errors import CheckpointError


class ModelFamilyTests:
    """Provide ``config()``, ``model_classes`` and ``inputs(model_class, batch)``; ``main_outputs`` are compared.

    ``modalities`` maps each input's name to the outputs that appear when it is given alone.
    """

    model_classes = ()
    main_outputs = ()
    modalities = {}

    def config(self):
        raise NotImplementedError

    def inputs(self, model_class, batch=2):
        raise NotImplementedError

    @pytest.fixture
    def model(self):
        torch.manual_seed(0)
        return self.model_classes[0](self.config()).eval()

    def run(self, model, inputs):
        with torch.no_grad():
            return model(**inputs)

    def values(self, output):
        return {name: output[name] for name in self.main_outputs if output.get(name) is not None}

    def test_config_survives_json(self, tmp_path):
        config = self.config()
        config.save_pretrained(tmp_path)
        assert AutoConfig.from_pretrained(tmp_path).to_diff_dict() == config.to_diff_dict()

    def test_weights_survive_saving_bit_for_bit(self, tmp_path):
        for model_class in self.model_classes:
            model = model_class(self.config())
            model.save_pretrained(tmp_path / model_class.__name__)
            again = model_class.from_pretrained(tmp_path / model_class.__name__).state_dict()
            assert again.keys() == model.state_dict().keys()
            assert all(torch.equal(again[name], value) for name, value in model.state_dict().items())

    def test_auto_model_restores_the_class(self, model, tmp_path):
        model.save_pretrained(tmp_path)
        assert type(AutoModel.from_pretrained(tmp_path)) is type(model)

    @pytest.mark.parametrize("change", ["extra", "missing"])
    def test_loading_refuses_keys_that_do_not_fit(self, model, tmp_path, change):
        model.save_pretrained(tmp_path)
        file = tmp_path / "model.safetensors"
        state = load_file(file)
        name = "not.in.the.model" if change == "extra" else next(iter(state))
        if change == "extra":
            state[name] = torch.zeros(1)
        else:
            del state[name]
        save_file(state, file, metadata={"format": "pt"})
        with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
            load(tmp_path)

    def test_every_class_shows_itself_on_the_familys_dummy_inputs(self):
        for model_class in self.model_classes:
            model = model_class(self.config()).eval()
            taken = inspect.signature(model.forward).parameters
            inputs = {name: value for name, value in model.dummy_inputs.items() if name in taken}
            # The inputs of the family's own tests, of other sizes.
            assert inputs.keys() == self.inputs(model_class).keys()
            assert self.values(self.run(model, inputs))

    def test_evaluation_is_deterministic_and_independent_of_the_batch(self, model):
        inputs = self.inputs(type(model), batch=3)
        whole, again = (self.values(self.run(model, inputs)) for _ in range(2))
        row = self.values(self.run(model, {name: value[1:2] for name, value in inputs.items()}))
        for name, value in whole.items():
            assert torch.equal(value, again[name])
            torch.testing.assert_close(value[1:2], row[name], rtol=1e-5, atol=1e-6)

    def test_each_modality_works_alone(self, model):
        inputs = self.inputs(type(model))
        both = self.values(self.run(model, inputs))
        for name, outputs in self.modalities.items():
            alone = self.values(self.run(model, {name: inputs[name]}))
            assert set(alone) == set(outputs)
            for output in outputs:
                torch.testing.assert_close(alone[output], both[output])

    def test_gradient_reaches_every_trainable_parameter(self):
        for model_class in self.model_classes:
            model = model_class(self.config()).train()
            output = model(**self.inputs(model_class))
            sum(value.square().sum() for value in self.values(output).values()).backward()
            without = [
                n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
            ]
            assert without == []

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_is_finite(self, model, dtype):
        inputs = {name: value.to(dtype) for name, value in self.inputs(type(model)).items()}
        for value in self.values(self.run(model.to(dtype), inputs)).values():
            assert value.dtype == dtype
            assert value.isfinite().all()

    def test_activation_checkpointing_changes_neither_gradients_nor_statistics(self, model):
        plain, saving = model.train(), copy.deepcopy(model).train()
        # The first name is the newer one; older versions of transformers in our range have only the second.
        getattr(saving, "activation_checkpointing_enable", saving.gradient_checkpointing_enable)()
        calls = []
        for block in saving.modules():
            if getattr(block, "gradient_checkpointing", False):
                first = next(module for module in block.modules() if isinstance(module, torch.nn.modules.conv._ConvNd))
                first.register_forward_hook(lambda *_: calls.append(1))
        for candidate in (plain, saving):
            torch.manual_seed(0)
            sum(v.square().sum() for v in self.values(candidate(**self.inputs(type(model)))).values()).backward()
        blocks = sum(getattr(block, "gradient_checkpointing", False) for block in saving.modules())
        assert len(calls) == 2 * blocks > 0
        for (name, one), other in zip(plain.named_parameters(), saving.parameters()):
            torch.testing.assert_close(one.grad, other.grad, msg=name)
        for (name, one), other in zip(plain.named_buffers(), saving.buffers()):
            assert torch.equal(one, other), name

    def test_compiles_without_graph_breaks(self, model):
        inputs = self.inputs(type(model))
        compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
        expected, actual = self.values(self.run(model, inputs)), self.values(self.run(compiled, inputs))
        for name, value in expected.items():
            torch.testing.assert_close(actual[name], value)
