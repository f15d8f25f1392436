from pathlib import Path

import pytest

from benchmarks.engine.grid import grid_jobs, read_grid, slices_of_share

ROOT = Path(__file__).parents[3]


def test_jobs_are_told_apart_by_their_settings_and_references_run_once(write_grid):
    jobs = grid_jobs(write_grid(budgets=[0.25, 0.125], seeds=[0, 1]))
    slower = grid_jobs(write_grid(budgets=[0.25, 0.125], seeds=[0, 1], recipe={"epochs": 2, "batch_size": 4}))

    assert [job.method for job in jobs[:5]] == ["das", "top_variance", "full", "das", "top_variance"]
    assert [job.budget for job in jobs[:5]] == [0.25, 0.25, None, 0.125, 0.125]
    assert len({job.key for job in [*jobs, *slower]}) == 20


def test_variants_have_settings_of_their_own(write_grid):
    variant = {"name": "calm", "method": "das", "set": {"network_def#sampler#floor": 0.5}}

    job = grid_jobs(write_grid(methods=[variant]))[0]

    assert (job.method, job.settings["network_def#sampler#floor"]) == ("calm", 0.5)


def test_variants_have_a_name_that_all_methods_share(write_grid):
    variants = {"longer": {"epochs": 2}}

    jobs = grid_jobs(write_grid(methods=["das", "das, longer", "dps, longer"], variants=variants))

    assert [(job.method, job.settings["epochs"]) for job in jobs] == [
        ("das", 1),
        ("das, longer", 2),
        ("dps, longer", 2),
    ]


def test_a_variant_that_the_grid_has_not_is_named(write_grid):
    grid = write_grid(methods=["das, shorter"], variants={"longer": {}})

    with pytest.raises(ValueError, match=r"'das, shorter' needs 'shorter' under variants, which has \[.*'longer'\]"):
        grid_jobs(grid)


@pytest.mark.parametrize("grid", sorted((ROOT / "benchmarks/grids").glob("*.json")), ids=lambda path: path.stem)
def test_the_grids_of_the_repository_make_jobs(grid):
    if grid.stem == "equal_terms":
        with pytest.raises(ValueError, match="a grid needs base, data, methods, budgets, seeds, and data, methods"):
            read_grid(grid)
        return

    jobs = grid_jobs(grid)

    assert len({job.key for job in jobs}) == len(jobs) > 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("epoch", 3, r"the setting 'epoch' changes nothing of the training: nothing reads it, .*; is 'epochs' meant\?"),
        ("rotate_range", 0.3, "the setting 'rotate_range' changes nothing of the training"),
        ("batch_size", 16, "the setting 'batch_size' changes nothing .* or the configs say 16 already"),
        ("output_dir", "elsewhere", "the setting 'output_dir' changes nothing of the training"),
        (
            "network_def#sampler#flor",
            0.3,
            r"#flor': DASSampler takes no 'flor'; it takes .*'floor'",
        ),
    ],
)
def test_a_setting_that_nothing_reads_is_refused_by_name(write_grid, name, value, said):
    with pytest.raises(ValueError, match=said):
        grid_jobs(write_grid(recipe={"epochs": 1, name: value}))


@pytest.mark.parametrize("name", ["rotate_range", "scale_range", "affine_prob"])
def test_rotations_and_zooms_of_clips_are_other_trainings(write_grid, name):
    one = {"data": ["covid_blues"], "folds": 2, "methods": ["centre"]}

    keys = {grid_jobs(write_grid(**one, recipe={"epochs": 1, name: value}))[0].key for value in (0.05, 0.2)}

    assert len(keys) == 2


@pytest.mark.parametrize("name", ["seed", "num_slices", "num_folds"])
def test_a_setting_that_the_place_in_the_grid_decides_is_refused(write_grid, name):
    with pytest.raises(ValueError, match=f"the setting '{name}' changes nothing: budgets, seeds and folds decide it"):
        grid_jobs(write_grid(recipe={"epochs": 1, name: 3}))


def test_a_part_of_a_grid_that_nothing_reads_is_refused(write_grid):
    with pytest.raises(ValueError, match=r"small\.json: nothing reads 'setings' of a grid; it has base, .*settings"):
        grid_jobs(write_grid(setings={"das": {"epochs": 3}}))


@pytest.mark.parametrize(
    "changes", [{"budgets": [0.125, 0.13]}, {"methods": ["das, a", "das, b"]}], ids=["budgets", "variants"]
)
def test_two_names_of_one_training_are_refused(write_grid, changes):
    variants = {"a": {"dropout": 0.1}, "b": {"dropout": 0.1}}

    with pytest.raises(ValueError, match=r"adrenal28, 'das.* and adrenal28, 'das.* are the same training"):
        grid_jobs(write_grid(variants=variants, **changes))


def test_grids_that_cannot_be_read_are_named(write_grid):
    grid = write_grid(methods=["none_such"])
    with pytest.raises(ValueError, match=r"names 'none_such', but there is no .*none_such\.json"):
        grid_jobs(grid)

    grid.write_text("{")

    with pytest.raises(ValueError, match=r"small\.json: must be a JSON object"):
        grid_jobs(grid)


def test_shares_are_rounded_half_up():
    assert [slices_of_share(share, 28) for share in (0.25, 0.125, 0.01, 1.0)] == [7, 4, 1, 28]


def test_recipe_and_settings_add_to_those_below(tmp_path):
    (tmp_path / "below.json").write_text(
        '{"base": "b", "data": ["x"], "methods": ["m"], "budgets": [0.5], "seeds": [0, 1], '
        '"recipe": {"epochs": 3, "dropout": 0.1}, "settings": {"m": {"a": 1}}}'
    )
    above = tmp_path / "above.json"
    above.write_text('{"like": "below.json", "seeds": [2], "recipe": {"epochs": 9}, "settings": {"n": {"b": 2}}}')

    grid = read_grid(above)

    assert grid["recipe"] == {"epochs": 9, "dropout": 0.1}
    assert grid["settings"] == {"m": {"a": 1}, "n": {"b": 2}}
    assert grid["seeds"] == [2]
