"""The secret of an installation: made once, kept from others, never shown."""

import os
import pickle
import stat
import threading

import pytest

from monai_das.data import CaseKey, ensure_case_key, read_case_key

SECRET = b"a key of the tests, known to everyone"


def ids(key):
    return [key.patient("4711"), key.patient("4711", "A"), key.patient("4712")]


def test_a_key_is_made_once_for_its_user_alone(tmp_path):
    file = tmp_path / "config" / "monai-das" / "case.key"

    first, second = ensure_case_key(file), ensure_case_key(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert ids(first) == ids(second)
    assert [path.name for path in file.parent.iterdir()] == ["case.key"]
    assert ids(ensure_case_key(tmp_path / "another.key")) != ids(first)


@pytest.mark.parametrize("links", [True, False])
def test_threads_that_need_a_key_at_once_get_the_same(tmp_path, monkeypatch, links):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    start, found = threading.Barrier(8), []

    def make():
        start.wait()
        found.append(ids(ensure_case_key(tmp_path / "case.key")))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [found[0]] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["case.key"]


def test_a_key_that_another_process_has_just_begun_is_waited_for(tmp_path):
    file = tmp_path / "case.key"
    file.touch(mode=0o600)
    writer = threading.Timer(0.2, file.write_bytes, [SECRET])
    writer.start()

    found = ensure_case_key(file)

    writer.join()
    assert ids(found) == ids(read_case_key(file))


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620, 0o666])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    file = tmp_path / "case.key"
    file.write_bytes(SECRET)
    file.chmod(mode)

    with pytest.raises(ValueError, match=rf"others may read this case key, its mode is {mode:04o}; chmod 600 it"):
        read_case_key(file)


@pytest.mark.parametrize(
    ("content", "found"), [(b"", "none"), (b" \n", "none"), (b"x" * 31 + b"\n", "31"), (b"x" * 5000, "more")]
)
def test_a_key_that_is_none_is_refused_without_being_shown(tmp_path, content, found):
    file = tmp_path / "case.key"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(ValueError, match=rf"a case key has 32 to 4096 bytes, this file has {found}; restore") as error:
        ensure_case_key(file)

    assert "xxx" not in str(error.value)
    assert file.read_bytes() == content


def test_a_missing_key_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such case key; make one: \(umask 077; openssl rand"):
        read_case_key(tmp_path / "nowhere")


def test_a_folder_or_pipe_is_no_key(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in ("", "pipe"):
        with pytest.raises(ValueError, match="a case key is a file; give one"):
            read_case_key(tmp_path / name)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match=r"must have at least 32 bytes, got 3; use CaseKey.new\(\)"):
        CaseKey(b"abc")


def test_a_key_is_never_shown_and_travels_to_workers(tmp_path):
    key = CaseKey(SECRET)

    assert SECRET.decode() not in repr(key) + str(key) + f"{key!r}"
    assert ids(pickle.loads(pickle.dumps(key))) == ids(key)


def test_the_end_of_the_line_does_not_count(tmp_path):
    for name, content in (("unix", SECRET + b"\n"), ("windows", SECRET + b"\r\n")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)

    assert ids(read_case_key(tmp_path / "unix")) == ids(read_case_key(tmp_path / "windows")) == ids(CaseKey(SECRET))


def test_patients_are_told_apart_by_issuer_and_found_again_without_padding():
    key = CaseKey(SECRET)

    assert len(set(ids(key))) == 3
    assert key.patient("4711 ", " A") == key.patient("4711", "A")
    assert key.patient("47", "11") != key.patient("4711")
    assert all(name.startswith("patient-") and len(name) == 24 for name in ids(key))


def test_keys_that_nobody_else_has_differ():
    assert ids(CaseKey.new()) != ids(CaseKey.new())
