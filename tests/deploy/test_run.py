from pathlib import Path

import pytest

from monai_das.deploy.run import model_file, read_rules

APP = Path(__file__).parents[2] / "scripts" / "deploy_app"


def test_the_rules_beside_the_application_can_be_read():
    assert '"selections"' in read_rules(APP / "rules.json")


@pytest.mark.parametrize("text", ["no json", "[]", '{"rules": 1}', '{"selections": [{"name": "a"}]}'])
def test_what_is_no_rules_names_the_file(tmp_path, text):
    (tmp_path / "rules.json").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"rules\.json: no rules \(.+\); see docs/deploy\.md for their form"):
        read_rules(tmp_path / "rules.json")


@pytest.mark.parametrize("text", ['{"selections": []}', '{"selections": [{"conditions": {}}]}'])
def test_empty_rules_are_refused(tmp_path, text):
    (tmp_path / "rules.json").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"rules\.json: rules without selections or conditions"):
        read_rules(tmp_path / "rules.json")


def test_the_model_is_a_file_or_the_only_one_in_a_folder(tmp_path):
    model = tmp_path / "das" / "model.ts"
    model.parent.mkdir()
    model.touch()

    assert model_file(model) == model_file(tmp_path) == model


def test_a_folder_without_model_says_what_to_give(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no TorchScript file \(\*\.ts\); give -m bundle/models/model\.ts"):
        model_file(tmp_path)


def test_a_folder_with_two_models_lists_them(tmp_path):
    (tmp_path / "a.ts").touch()
    (tmp_path / "b.ts").touch()

    with pytest.raises(ValueError, match=r"2 TorchScript files; give one of them: .*a\.ts, .*b\.ts"):
        model_file(tmp_path)
