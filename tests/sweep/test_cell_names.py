import re

import pytest

from ganlab.sweep.cell_names import MAX_LENGTH, name_cells


def name_of(**values) -> str:
    return name_cells("base", [{key.replace("__", "."): value for key, value in values.items()}])[0]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (64, "64"),
        (64.0, "64"),
        (0.0002, "0.0002"),
        (1e-5, "1e-05"),
        (-1, "-1"),
        (True, "true"),
        (None, "none"),
        ("hinge", "hinge"),
        ("a/b c", "a_b_c"),
        ({"wgan_gp": {"weight": 10}}, "wgan_gp_weight_10"),
        ({"Adam": {}}, "Adam"),
        ([5, 10], "5_10"),
        ([], "none"),
    ],
)
def test_a_value_becomes_a_word(value, word):
    assert name_of(train__key=value) == f"base-key_{word}"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["generator.optimizer.Adam.learning_rate"], ["learning_rate"]),
        (
            ["generator.optimizer.Adam.learning_rate", "discriminator.optimizer.Adam.learning_rate"],
            ["generator_learning_rate", "discriminator_learning_rate"],
        ),
        (["a.Adam.rate", "a.SGD.rate"], ["Adam_rate", "SGD_rate"]),
        (["a.x[0].b.c", "a.x[1].b.c"], ["a_x_0_b_c", "a_x_1_b_c"]),
    ],
)
def test_a_key_takes_as_many_words_as_tell_it_from_the_others(keys, words):
    assert name_cells("base", [dict.fromkeys(keys, 1)]) == ["-".join(["base", *(f"{word}_1" for word in words)])]


def test_names_that_would_be_one_are_told_apart_by_a_hash():
    names = name_cells("base", [{"k": "a b"}, {"k": "a/b"}, {"k": "A_b"}, {"k": "c"}])
    assert len({name.lower() for name in names}) == 4
    assert all(re.fullmatch(r"base-k_[aA]_b-[0-9a-f]{8}", name) for name in names[:3])
    assert names[3] == "base-k_c"


def test_keys_that_are_set_together_are_named_by_their_label_and_each_value_once():
    cells = [{"both": (("a.x", 1), ("b.x", 1))}, {"both": (("a.x", 1), ("b.x", 2))}, {"both": (("a.x", 1),)}]
    first, second, third = name_cells("base", cells)
    assert second == "base-both_1_2"
    assert len({first, third}) == 2 and all(re.fullmatch("base-both_1-[0-9a-f]{8}", name) for name in (first, third))


def test_a_long_name_has_initials_or_values_alone_before_a_hash():
    keys = ["generator.optimizer.Adam.learning_rate", "discriminator.optimizer.Adam.learning_rate", "train.batch_size"]
    base = "an_experiment_with_a_name"
    assert name_cells(base, [dict(zip(keys, (1e-4, 2e-4, 64), strict=True))]) == [f"{base}-glr_0.0001-dlr_0.0002-bs_64"]
    values = [{**dict.fromkeys(f"some.key{n}.of_it" for n in range(9)), "a.key": f"{end * 10}"} for end in "xy"]
    names = name_cells("base", values)
    assert names == [f"base-{'-'.join(['none'] * 9)}-{end * 10}" for end in "xy"]
    short = name_cells("base", [{**dict.fromkeys(keys[:2], 1)}])
    assert short == ["base-generator_learning_rate_1-discriminator_learning_rate_1"], "short names stay as they are"


def test_a_long_name_is_cut_and_stays_its_own():
    names = name_cells("base", [{"k": "x" * 200 + end} for end in "ab"])
    assert len(set(names)) == 2 and all(len(name) == MAX_LENGTH for name in names)


def test_a_name_does_not_depend_on_the_other_cells_of_the_study():
    assert name_cells("base", [{"k": 1}, {"k": 2}])[0] == name_cells("base", [{"k": 1}])[0]


def test_the_base_alone_keeps_its_name():
    assert name_cells("base", [{}]) == ["base"]
