import json
import shutil

import numpy as np
import pytest
import torch

from benchmarks.commands import main
from monai_das.datasets import write_nifti
from tests.bundle.bundle_runs import BUNDLE, workflow
from tests.patients import patient


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A copy of the bundle whose weights are those of a random network of its own size."""
    folder = tmp_path_factory.mktemp("zoo") / "bundle"
    shutil.copytree(BUNDLE, folder, ignore=shutil.ignore_patterns("models", "runs", "eval"))
    (folder / "models").mkdir()
    network = workflow(folder, ["inference.json"], {}, "infer").parser.get_parsed_content("network_def")
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


@pytest.fixture
def datalist(tmp_path):
    """Four volumes of 20 slices, textured but for slices 0 to 3; every second one is held out."""
    cases = []
    for number in range(4):
        volume = np.random.default_rng(number).integers(0, 99, (20, 20, 20)).astype(np.int16)
        volume[..., :4] = 7
        write_nifti(volume, tmp_path / f"{number}.nii.gz")
        verdicts = {"slices_confirmed": [9], "slices_added": [1], "slices_rejected": [12]}
        cases.append({"image": f"{number}.nii.gz", "label": number // 2, **verdicts})
        cases[-1]["group"] = patient(number, held_out=number % 2 == 1)
    path = tmp_path / "pulled.json"
    path.write_text(json.dumps(cases), encoding="utf-8")
    return path


def test_before_and_after_are_measured_on_the_held_out_cases(bundle, datalist, tmp_path, capsys):
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    torch.save(state, tmp_path / "after.pt")

    command = ["review", str(datalist), "--bundle", str(bundle), "--weights", str(tmp_path / "after.pt")]

    code = main([*command, "--holdout-every", "2"])

    *table, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    assert code == 0
    assert table[0] == "| 2 held-out cases | before | after |"
    # 16 of 20 slices, and the 4 constant ones are never eligible: all others are chosen
    assert figures["before"]["recall"] == figures["after"]["recall"] == 0.5
    assert figures["before"]["precision"] == pytest.approx(1 / 16, abs=1e-4)
    assert figures["before"]["rejected"] == 1.0
    assert 0.0 <= figures["after"]["auc"] <= 1.0


def test_one_class_and_no_verdicts_leave_figures_out(bundle, datalist, tmp_path, capsys):
    cases = [{"image": case["image"], "group": case["group"], "label": 0} for case in json.loads(datalist.read_text())]
    datalist.write_text(json.dumps(cases))
    weights = str(bundle / "models" / "model.pt")

    main(["review", str(datalist), "--bundle", str(bundle), "--weights", weights, "--holdout-every", "2"])

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["before"] == figures["after"]
    assert [figures["after"][name] for name in ("auc", "recall", "precision", "rejected")] == [None] * 4


def test_weights_that_do_not_fit_exit_with_2(bundle, datalist, tmp_path, capsys):
    torch.save({}, tmp_path / "empty.pt")
    command = ["review", str(datalist), "--bundle", str(bundle), "--weights", str(tmp_path / "empty.pt")]

    with pytest.raises(SystemExit) as exit_:
        main([*command, "--holdout-every", "2"])

    assert exit_.value.code == 2
    assert "empty.pt: do not fit the network of" in capsys.readouterr().err
