import cv2
import numpy as np
import pytest

from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.exporting.images import (
    NUM_SYNTHETIC,
    drawn,
    in_batches,
    read_inputs,
    synthetic_inputs,
)

CODEC = MoveNetCodec(input_size=(96, 64))


def test_the_first_batch_has_one_image_and_the_others_several():
    images = np.arange(20)
    assert [len(batch) for batch in in_batches(images)] == [1, 8, 8, 3]
    assert np.concatenate(list(in_batches(images))).tolist() == images.tolist()


def test_synthetic_inputs_are_the_same_each_time():
    first, second = synthetic_inputs(CODEC), synthetic_inputs(CODEC)
    assert (first.shape, first.dtype) == ((NUM_SYNTHETIC, 64, 96, 3), np.uint8)
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_an_image_fits_completely_into_the_input(tmp_path):
    cv2.imwrite(str(tmp_path / "white.png"), np.full((20, 20, 3), 255, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    inputs = read_inputs(tmp_path, CODEC)
    assert (inputs.shape, inputs.dtype) == ((1, 64, 96, 3), np.uint8)
    assert inputs[0, 5:-5, 20:-20].min() == 255  # a white square in the middle, black around it
    assert inputs[0, :, :10].max() == inputs[0, :, -10:].max() == 0


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        read_inputs(tmp_path, CODEC)


def test_drawn_indices_are_distinct_and_the_same_each_time():
    few = drawn(100, 7)
    assert len(set(few)) == 7
    assert few == drawn(100, 7)
    assert few != sorted(few)
    assert sorted(drawn(3, 7)) == [0, 1, 2]
