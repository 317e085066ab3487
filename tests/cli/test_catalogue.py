"""``avssl ls`` and ``avssl info``: the catalogue and one card."""

import pytest

import avssl_hub


def names(result):
    return [line.split()[0] for line in result.stdout.splitlines()[1:]]


def test_ls_lists_every_model(avssl):
    result = avssl("ls")
    assert result.exit_code == 0
    assert names(result) == avssl_hub.list_models()
    assert "avid_cma.audioset" in names(result)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["kinetics"], ["avid.kinetics", "avid_cma.kinetics"]),
        (["avid_*"], ["avid_cma.audioset", "avid_cma.kinetics", "avid_cma_tiny.avworld", "avid_tiny.avworld"]),
        (["nothing like it"], []),
    ],
)
def test_ls_filters(avssl, words, expected):
    assert names(avssl("ls", *words)) == expected


def test_ls_refuses_an_unknown_family(avssl):
    result = avssl("ls", "--family", "avd")
    assert result.exit_code == 2
    assert "unknown family: got 'avd'" in result.stderr


def test_weights_on_this_machine_are_seen(avssl, tmp_path):
    def state(name):
        (line,) = (line for line in avssl("ls").stdout.splitlines() if line.startswith(name))
        return line.strip().split("  ")[-1].strip()

    assert state("avid_cma.audioset") == "to convert"
    missing = avssl("info", "avid_cma.audioset").stdout.splitlines()[-1]
    assert missing.startswith("Weights: not on this machine; `avssl convert avid_cma.audioset --download` makes them")
    assert "https://" in missing
    folder = tmp_path / "home" / "models" / "avid_cma.audioset"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    assert state("avid_cma.audioset") == "here"
    assert avssl("info", "avid_cma.audioset").stdout.splitlines()[-1] == f"Weights: here, in {folder}"


def test_info_renders_the_card(avssl):
    text = avssl("info", "avid_cma.audioset").stdout
    assert "AVID-CMA pretrained on AudioSet" in text
    assert "Use this when" in text
    assert "<!--" not in text
    assert "avssl:" not in text
