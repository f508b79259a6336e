import re

import pytest

from ganlab.config.fields import MAX_NAME
from ganlab.sweeps.cell_names import name_cells


def name_of(**values) -> str:
    return name_cells("base", [{key.replace("__", "."): value for key, value in values.items()}])[0]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (64, "64"),
        (64.0, "64"),
        (0.0002, "2e-4"),
        (0.00015, "1.5e-4"),
        (1e-5, "1e-5"),
        (1e22, "1e22"),
        (0.01, "0.01"),
        (0.5, "0.5"),
        (0.0, "0"),
        (-0.001, "-1e-3"),
        (-1, "-1"),
        (30000, "30000"),
        (True, "true"),
        (None, "none"),
        ("hinge", "hinge"),
        ("a/b c", "a_b_c"),
        ("a=b,c", "a_b_c"),
        ({"wgan_gp": {"weight": 10}}, "wgan_gp_weight_10"),
        ({"Adam": {"learning_rate": 0.001}}, "Adam_lr_1e-3"),
        ({"Adam": {}}, "Adam"),
        ([5, 10], "5_10"),
        ([], "none"),
    ],
)
def test_a_value_becomes_a_word(value, word):
    assert name_of(train__key=value) == f"base-key={word}"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["generator.optimizer.Adam.learning_rate", "latent.distribution"], ["lr", "dist"]),
        (["generator.optimizer.Adam.learning_rate", "discriminator.optimizer.Adam.learning_rate"], ["g_lr", "d_lr"]),
        (["train.batch_size", "latent.dim"], ["batch", "dim"]),
        (["a.lr", "b.learning_rate"], ["lr", "learning_rate"]),
        (["a.Adam.rate", "a.SGD.rate"], ["Adam_rate", "SGD_rate"]),
        (["a.x[0].b.c", "a.x[1].b.c"], ["a_x_0_b_c", "a_x_1_b_c"]),
    ],
)
def test_a_key_takes_as_many_words_as_tell_it_from_the_others(keys, words):
    assert name_cells("base", [dict.fromkeys(keys, 1)]) == [f"base-{','.join(f'{word}=1' for word in words)}"]


def test_names_that_would_be_one_have_the_number_of_their_cell():
    names = name_cells("base", [{"k": "a b"}, {"k": "a/b"}, {"k": "A_b"}, {"k": "c"}, {"k": "a_b-1"}])
    assert names == ["base-k=a_b-1-1", "base-k=a_b-2", "base-k=A_b-3", "base-k=c", "base-k=a_b-1"]


def test_keys_that_are_set_together_are_named_by_their_label_and_each_value_once():
    cells = [{"both": (("a.x", 1), ("b.x", 1))}, {"both": (("a.x", 1), ("b.x", 2))}, {"both": (("a.x", 1),)}]
    assert name_cells("base", cells) == ["base-both=1-1", "base-both=1_2", "base-both=1-3"]


def test_a_long_name_has_initials_or_values_alone():
    keys = [
        "generator.optimizer.Adam.kernel_constraint",
        "discriminator.optimizer.Adam.kernel_constraint",
        "train.batch_size",
    ]
    base = "an_experiment_with_a_name_that_is_long_and_says_much"
    long = name_cells(base, [dict(zip(keys, (1e-4, 2e-4, 64), strict=True))])
    assert long == [f"{base}-gkc=1e-4,dkc=2e-4,bs=64"]
    values = [{**dict.fromkeys(f"some.key{n}.of_it" for n in range(9)), "a.key": f"{end * 10}"} for end in "xy"]
    names = name_cells("base", values)
    assert names == [f"base-{','.join(['none'] * 9)},{end * 10}" for end in "xy"]


def test_a_longer_name_is_cut_and_has_the_number_of_its_cell():
    names = name_cells("base", [{"k": "x" * 200 + end} for end in "ab"])
    assert [len(name) for name in names] == [MAX_NAME, MAX_NAME]
    assert names[0].endswith("xx-1") and names[1].endswith("xx-2")


def test_names_are_names_of_configs_and_of_files_on_every_system():
    values = ["con", "a:b", 'x"y', "tab\t", "é", "..", "a b ", 1e-300, {"A": {"b": [1, {"c": None}]}}]
    for name in name_cells("base", [{"weird key!": value} for value in values]):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._=,-]*", name) and not name.endswith((".", " "))


def test_a_name_does_not_depend_on_the_other_cells_of_the_study():
    assert name_cells("base", [{"k": 1}, {"k": 2}])[0] == name_cells("base", [{"k": 1}])[0]


def test_the_base_alone_keeps_its_name():
    assert name_cells("base", [{}]) == ["base"]
