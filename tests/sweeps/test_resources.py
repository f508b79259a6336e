import subprocess

from ganlab.sweeps import resources
from ganlab.sweeps.resources import available_gpus, environments


def test_one_run_alone_has_the_whole_machine():
    assert environments(1, {"PATH": "/bin"}, cpus=8, gpus=["0", "1"]) == [{"PATH": "/bin"}]


def test_processors_are_divided():
    first, second, third = environments(3, {}, cpus=8, gpus=[])
    assert first == second == third
    assert set(first.values()) == {"2"} and first["TF_NUM_INTRAOP_THREADS"] == first["OMP_NUM_THREADS"] == "2"


def test_every_run_has_at_least_one_thread():
    assert environments(5, {}, cpus=2, gpus=[])[0]["OMP_NUM_THREADS"] == "1"


def test_a_number_of_threads_that_the_user_has_set_stays():
    made = environments(2, {"OMP_NUM_THREADS": "7"}, cpus=8, gpus=[])
    assert made[0]["OMP_NUM_THREADS"] == "7" and made[0]["TF_NUM_INTRAOP_THREADS"] == "4"


def test_graphics_cards_are_taken_in_turn():
    made = environments(3, {"CUDA_VISIBLE_DEVICES": "4,6"}, cpus=8, gpus=["4", "6"])
    assert [variables["CUDA_VISIBLE_DEVICES"] for variables in made] == ["4", "6", "4"]
    assert all(variables["TF_FORCE_GPU_ALLOW_GROWTH"] == "true" for variables in made)


def test_a_card_of_its_own_is_not_shared():
    made = environments(2, {}, cpus=8, gpus=["0", "1"])
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in made[0]


def test_runs_that_share_the_only_card_share_its_memory():
    made = environments(2, {}, cpus=8, gpus=["0"])
    assert "CUDA_VISIBLE_DEVICES" not in made[0]
    assert made[0]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true" and made[0]["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_cards_are_those_the_user_has_chosen(monkeypatch):
    for chosen, cards in (("2, GPU-f00", ["2", "GPU-f00"]), ("", []), ("-1", [])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
        assert available_gpus() == cards


def test_cards_are_counted_by_the_driver_where_none_are_chosen(monkeypatch):
    listing = (
        "GPU 0: NVIDIA H200 (UUID: GPU-1)\n  MIG 1g.18gb Device 0: (UUID: MIG-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)\n"
    )
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(resources.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, stdout=listing))
    assert available_gpus() == ["0", "1"]


def test_a_driver_that_does_not_answer_means_no_cards(monkeypatch):
    def fail(*arguments, **options):
        raise subprocess.CalledProcessError(9, "nvidia-smi")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(resources.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(subprocess, "run", fail)
    assert available_gpus() == []
