"""Films as MP4, read back through imageio."""

import numpy as np
import pytest

from ganlab.errors import GanlabError
from ganlab.pictures.video import can_write_video, write_video

pytestmark = pytest.mark.skipif(not can_write_video(), reason="the extra 'video' is not installed")


def read(path):
    import imageio.v2 as imageio

    with imageio.get_reader(path) as reader:
        return reader.get_meta_data(), [np.asarray(frame) for frame in reader]


def test_a_video_shows_its_frames_and_stays_on_the_last(tmp_path):
    frames = [np.full((31, 45, 1), value, np.uint8) for value in (0, 120, 250)]
    facts, seen = read(write_video(tmp_path / "a.mp4", frames))
    assert facts["codec"] == "h264" and facts["fps"] == pytest.approx(1 / 0.15, abs=0.01)
    assert [round(frame.mean(), -1) for frame in seen] == [0, 120, *[250] * 10]
    assert seen[0].shape == (32, 46, 3), "sides are even"


def test_without_frames_nothing_is_written(tmp_path):
    with pytest.raises(GanlabError, match="expected at least one frame"):
        write_video(tmp_path / "a.mp4", [])
    assert list(tmp_path.iterdir()) == []
