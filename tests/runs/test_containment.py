import os

import pytest

from ganlab.errors import GanlabError
from ganlab.runs.containment import require_contained, require_unlinked


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run" / "checkpoints" / "state-000001").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "state-000001" / "variables.npz").touch()
    return tmp_path / "run"


def test_files_and_folders_of_its_own_are_fine(folder):
    require_contained(folder)


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    require_contained(tmp_path / "link")


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "nowhere", "state-000001"])
def test_a_link_at_any_depth_is_refused_wherever_it_points(folder, target):
    (folder / "checkpoints" / "state-000002").symlink_to(target)
    with pytest.raises(GanlabError, match=r"checkpoints/state-000002: refused: a link, in a run folder"):
        require_contained(folder)


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path):
    (tmp_path / "run").symlink_to("nowhere")
    with pytest.raises(GanlabError, match=r"/run: cannot be listed: No such file or directory$"):
        require_contained(tmp_path / "run")


def test_a_pipe_is_refused(folder):
    os.mkfifo(folder / "history.csv")
    with pytest.raises(GanlabError, match=r"history\.csv: refused: no regular file, in a run folder"):
        require_contained(folder)


class TestAPlaceInAFolderOfResults:
    def test_may_be_there_or_not(self, folder, tmp_path):
        for place in ("run", "run/checkpoints/state-000001/variables.npz", "run/new", "new/and/deep"):
            require_unlinked(tmp_path, tmp_path / place)

    @pytest.mark.parametrize("place", ["run", "run/checkpoints", "run/checkpoints/state-000001", "run/new"])
    @pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
    def test_is_refused_where_a_part_of_it_is_a_link(self, folder, tmp_path, place, target):
        link = tmp_path / place
        if link.exists():
            link.rename(tmp_path / "elsewhere")
        link.symlink_to(tmp_path / target)
        for path in (link, link / "deep" / "file"):
            with pytest.raises(GanlabError, match=f"^{link}: refused: a link, in a folder of results$"):
                require_unlinked(tmp_path, path)

    def test_is_refused_where_it_is_a_pipe(self, folder, tmp_path):
        os.mkfifo(folder / "log")
        with pytest.raises(GanlabError, match=r"/log: refused: no regular file, in a folder of results$"):
            require_unlinked(tmp_path, folder / "log")

    def test_the_folder_of_results_itself_may_be_a_link_and_a_file_is_no_folder(self, folder, tmp_path):
        (tmp_path / "results").symlink_to(tmp_path / "run")
        require_unlinked(tmp_path / "results", tmp_path / "results" / "checkpoints")
        require_unlinked(tmp_path, folder / "checkpoints" / "state-000001" / "variables.npz" / "deep")
