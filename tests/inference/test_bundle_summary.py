"""``monai-das info`` shows a bundle and the code in it, and executes nothing."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from monai_das.cli import main
from monai_das.inference import summarise_bundle
from monai_das.inference.bundle_code import code_in_config

ROOT = Path(__file__).parents[2]


def write_config(bundle, file, /, **items):
    path = bundle / "configs" / file
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | items))


def test_the_facts_of_our_bundle():
    found = summarise_bundle(ROOT / "bundle").facts

    assert found["classes"] == "normal, hyperplasia"
    assert found["budget"] == "16"
    assert found["thumbnail size"] == "64"
    assert found["accepted modality"] == "CT, MR"
    assert found["accepted values"] == "a mask of two values"
    assert (found["accepted slices"], found["accepted spacing"]) == ("16 to 512", "any")
    assert (found["slice axis"], found["intensity"]) == ("axial", "scale range")
    assert found["answer"] == "hyperplasia from a probability of 0.2437 on"
    assert found["weights model.pt"].endswith(", 1188 training cases described")
    assert found["preprocessing"] == (
        "LoadImaged, EnsureChannelFirstd, SliceAxisd, DASScaleIntensityd, Resized, EnsureTyped"
    )
    assert found["metrics"].startswith("auc 0.9001, auc_95_interval [0.86, 0.9344]")
    assert found["licence"] == "Apache-2.0"
    weights = hashlib.sha256((ROOT / "bundle" / "models" / "model.pt").read_bytes()).hexdigest()
    assert found["weights model.pt"].startswith(f"SHA-256 {weights}, ")
    assert [name for name, text in found.items() if text == "not stated"] == ["codes of classes"]


def test_zip_and_torchscript_say_the_same(random_bundle, scripted, tmp_path):
    zipped = shutil.make_archive(str(tmp_path / "some"), "zip", random_bundle)
    folder, packed, script = (summarise_bundle(each).facts for each in (random_bundle, zipped, scripted))

    assert packed == folder
    assert {name for name in folder if script.get(name) != folder[name]} == {"weights model.pt"}
    assert "the code of the TorchScript itself" in summarise_bundle(scripted).unread


def test_nothing_is_executed_and_all_code_is_shown(own_bundle, tmp_path, capsys):
    trap = f"$open({str(tmp_path / 'sprung')!r}, 'w')"
    write_config(own_bundle, "inference.json", preprocessing=trap, extra={"_target_": "os.system", "command": "true"})
    (own_bundle / "scripts").mkdir()
    (own_bundle / "scripts" / "__init__.py").write_text("raise SystemExit")
    (own_bundle / "scripts" / "more.json").write_text("[]")
    (own_bundle / "configs" / "other.JSON").write_text('{"a": "$1"}')

    assert main(["info", str(own_bundle)]) == 0

    printed = capsys.readouterr().out
    assert not (tmp_path / "sprung").exists()
    assert f"  inference.json preprocessing: {trap}\n" in printed
    assert "  inference.json extra: _target_ os.system\n" in printed
    assert "  other.JSON a: $1\n" in printed
    assert "Not looked into: scripts/__init__.py\n" in printed
    assert "Not looked into: scripts/more.json\n" in printed
    assert "Not looked into: configs/logging.conf\n" in printed


@pytest.mark.parametrize(
    "target", ["LoadImaged", "torch.nn.ReLU", "monai_das.samplers.DASSampler", "ignite.metrics.Loss"]
)
def test_a_target_of_the_four_packages_is_no_finding(target):
    assert code_in_config({"a": [{"_target_": target}]}) == []


@pytest.mark.parametrize(
    "target",
    ["eval", "os.system", "torch.os.system", "torch.load", "torch.hub.load", "monai.bundle.load", "download_url",
     "monai", "torchvision.models.resnet18", "monai_das.nothing", "@other", ["a"], None],
)  # fmt: skip
def test_any_other_target_is_one(target):
    assert code_in_config({"a": [{"_target_": target}]}) == [("a#0", f"_target_ {target}")]


def test_expressions_and_macros_of_files_are_findings_and_references_are_none():
    config = {"a": "$1", "b": ["%other.json::net", "%net", "@a"], "_target_": "$exit"}

    assert code_in_config(config) == [("a", "$1"), ("b#0", "%other.json::net"), ("_target_", "$exit")]


def test_weights_that_would_execute_code_are_named(own_bundle):
    torch.save({"weight": print}, own_bundle / "models" / "model.pt")

    assert (
        summarise_bundle(own_bundle)
        .facts["weights model.pt"]
        .endswith("not a state dict of tensors: predict refuses it")
    )


def test_what_a_bundle_leaves_out_is_said(own_bundle):
    (own_bundle / "configs" / "metadata.json").write_text('{"network_data_format": [], "settings": "none"}')

    found = summarise_bundle(own_bundle).facts

    assert found["contract"].startswith("metadata.json has no network_data_format, inputs, image, num_channels")
    assert {"name", "budget", "metrics", "licence"} <= {name for name, text in found.items() if text == "not stated"}


def test_text_of_a_bundle_cannot_move_the_cursor(own_bundle, capsys):
    write_config(own_bundle, "metadata.json", name="good\x1b[2J\nlicence: MIT")

    main(["info", str(own_bundle)])

    assert "name:                 good\\x1b[2J\\nlicence: MIT\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metadata.json", None, "is not a bundle: it has no metadata.json"),
        ("metadata.json", "{", "metadata.json: no JSON ("),
        ("inference.json", "[]", "inference.json: not a JSON object, but list"),
    ],
)
def test_what_is_no_bundle_exits_with_2(own_bundle, capsys, name, text, message):
    path = own_bundle / "configs" / name
    path.unlink()
    if text is not None:
        path.write_text(text)

    with pytest.raises(SystemExit) as exit_:
        main(["info", str(own_bundle)])

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
