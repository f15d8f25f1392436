from benchmarks.commands import main
from benchmarks.sets.made_up_cases import CASES


def test_the_picture_shows_what_three_samplers_choose(tmp_path, monkeypatch, capsys):
    for split, number in (("train", 16), ("val", 4), ("test", 10)):
        monkeypatch.setitem(CASES, split, number)

    code = main(["looks", "--out", str(tmp_path / "looks.png"), "--epochs", "1"])

    said = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.partition(":")[0] for line in said] == ["top-variance", "evenly spread", "DASSampler"]
    assert (tmp_path / "looks.png").read_bytes().startswith(b"\x89PNG")
