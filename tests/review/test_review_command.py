"""``monai-das review`` from the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from monai_das.cli import main
from monai_das.review import ReaderAgreement, write_verdicts
from tests.inference.conftest import random_bundle
from tests.review.small_label_studio import TOKEN

__all__ = ["random_bundle"]
NONE = ReaderAgreement(None, None, None)
BUNDLE = Path(__file__).parents[2] / "bundle"


@pytest.fixture
def review(server, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    return lambda *words: main(["review", *map(str, words)])


def test_init_push_status_pull(review, server, results, export, tmp_path, capsys):
    assert review("init", "--bundle", BUNDLE, "--backend", "http://127.0.0.1:9090") == 0
    review("push", results, "--project", 1, "--order", "score", "--limit", 1)
    review("push", results, "--project", 1)
    review("status", "--project", 1)
    server.export = export
    review("pull", "--project", 1, "-o", tmp_path / "review.json")

    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"project 1 made: {server.url}/projects/1/data"
    further = "0 with a further prediction or more slices"
    assert printed[1] == f"project 1: 1 tasks added, {further}, 0 there already, 1 studies left for later"
    assert printed[2] == f"project 1: 1 tasks added, {further}, 1 there already, 0 studies left for later"
    assert printed[3] == "monai-das review: 0 of 2 tasks reviewed, 0 answers, 2 predictions"
    assert printed[4].startswith("3 verdicts written; agreement of readers: ")
    assert len(json.loads((tmp_path / "review.json").read_text())["training"]) == 2
    assert len(server.backends) == 1


def test_a_changed_address_or_token_updates_the_backend(review, server, monkeypatch):
    review("init", "--bundle", BUNDLE, "--backend", "http://127.0.0.1:9090")
    (first,) = server.backends
    assert (first["url"], first["auth_method"]) == ("http://127.0.0.1:9090", "NONE")
    monkeypatch.setenv("MONAI_DAS_REVIEW_TOKEN", "a token of the tests")

    review("init", "--bundle", BUNDLE, "--backend", "http://127.0.0.1:9091")

    (now,) = server.backends
    assert (now["id"], now["url"]) == (first["id"], "http://127.0.0.1:9091")
    assert now["basic_auth_pass"] == "a token of the tests"


def test_two_readers_have_a_project_each_and_are_pulled_together(review, server, export, tmp_path, capsys):
    assert review("init", "--bundle", BUNDLE, "--title", "Glands", "--readers", 2) == 0
    assert [each["title"] for each in server.projects.values()] == ["Glands, reader 1", "Glands, reader 2"]
    task = export[0]
    server.exports = {
        1: [{**task, "annotations": task["annotations"][:1]}],
        2: [{**task, "id": 21, "annotations": task["annotations"][1:]}],
    }

    assert review("pull", "--project", 1, 2, "--consensus", "majority", "-o", tmp_path / "review.json") == 0

    assert "1 cases seen by two or more; Cohen's kappa of classes 0.000" in capsys.readouterr().out
    content = json.loads((tmp_path / "review.json").read_text())
    (case,) = content["unsure"]
    assert case["reviewer"] == "majority of reader-1, reader-2"
    assert content["agreement"]["kind"] == "cohen"
    assert content["disagreements"][0]["said"] == {"reader-1": "normal", "reader-2": "hyperplasia"}


def test_a_typo_is_said_and_everything_else_is_written(review, server, export, verdict, tmp_path, capsys):
    review("init", "--bundle", BUNDLE)
    server.export = export
    by_api = next(each for each in export[0]["annotations"] if each["completed_by"] == 2)
    next(row for row in by_api["result"] if row["from_name"] == "added")["value"]["text"] = ["36, 4O"]
    (tmp_path / "damaged.json").write_text("half a fi")

    code = review("pull", "--project", 1, "--from-html", tmp_path / "damaged.json", "-o", tmp_path / "review.json")

    assert code == 1
    content = json.loads((tmp_path / "review.json").read_text())
    assert len(content["training"] + content["unsure"]) == 3
    _, typo = content["problems"]
    assert (typo["place"], typo["reviewer"], typo["text"]) == ("project 1, task 7", "reader-2", "36, 4O")
    printed = capsys.readouterr()
    assert "3 verdicts written" in printed.out
    assert printed.out.strip().endswith("2 faults (under problems)")
    assert "--from-html: " in printed.err
    assert str(tmp_path) not in printed.err
    assert "4O" not in printed.err


def test_classes_of_a_bundle_are_asked_for(review, random_bundle, verdict, tmp_path):
    write_verdicts([replace(verdict, label_name="goitre")], NONE, tmp_path / "page.json")
    options = ("--bundle", BUNDLE, "-o", tmp_path / "out.json")

    assert review("pull", "--from-html", tmp_path / "page.json", *options) == 1

    (problem,) = json.loads((tmp_path / "out.json").read_text())["problems"]
    assert problem["what"].startswith("the class 1 'goitre' is none of 0 normal, 1 hyperplasia")


def test_pull_from_html_needs_no_server(verdict, tmp_path, capsys):
    write_verdicts([verdict], NONE, tmp_path / "page.json")

    assert main(["review", "pull", "--from-html", str(tmp_path / "page.json"), "-o", str(tmp_path / "out.json")]) == 0

    assert json.loads((tmp_path / "out.json").read_text())["training"][0]["slices_rejected"] == [7]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["init", "--readers", "0"], "--readers must be at least 1, got 0"),
        (["pull", "-o", "x.json"], "nothing to pull from; give --project N or --from-html FILE"),
        (["status", "--project", "9"], "/api/projects/9/: not found"),
        (["status", "--project", "9", "--token", ""], "no token; set LABEL_STUDIO_API_KEY"),
        (
            ["serve", "--root", ".", "--host", "0.0.0.0"],
            "0.0.0.0 can be reached from other machines; give --allow-remote",
        ),
        (["serve", "--root", ".", "--host", "somewhere", "--allow-remote"], "somewhere can be reached"),
        (
            ["serve", "--root", ".", "--host", "0.0.0.0", "--allow-remote", "--backend-token", "x" * 16],
            "0.0.0.0 is no name to be called by; give --called NAME",
        ),
        (["serve", "--root", "nowhere"], "--root: no such folder; --root is the folder of the cases"),
        (["serve", "--root", ".", "--bundle", "nowhere"], "--bundle is not a bundle"),
        (["serve", "--root", ".", "--map", "nowhere.json"], "No such file or directory: '--map'"),
    ],
)
def test_what_cannot_work_exits_with_2(review, words, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        review(*words)

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_serve_listens_on_this_machine(review, random_bundle, tmp_path, monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: asked.update(options))

    assert review("serve", "--root", tmp_path, "--bundle", random_bundle, "--port", 9099) == 0

    assert (asked["host"], asked["port"]) == ("127.0.0.1", 9099)
    assert "at http://127.0.0.1:9099" in capsys.readouterr().out
