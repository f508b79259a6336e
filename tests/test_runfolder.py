from ganlab.runfolder import RunFolder


def test_cutting_back_removes_what_came_later_and_what_was_half_written(tmp_path):
    folder = RunFolder(tmp_path)
    folder.history.write_text("step,seconds\n1,0.1\n2,0.1\n3,0.")
    for path in (folder.sample(1), folder.sample(2), folder.generator_weights(1)):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / ".2e0ca2fe-history.csv").touch()
    (tmp_path / "samples" / ".0123abcd-000002.png").touch()
    (tmp_path / "checkpoints" / ".4711-state-000002").mkdir()
    folder.cut_back(1)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["checkpoints/generator-000001.weights.h5", "history.csv", "samples/000001.png"]
    assert folder.history.read_text() == "step,seconds\n1,0.1\n"
    assert not list(tmp_path.rglob(".*"))
