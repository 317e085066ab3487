"""Class maps of AVWorld in 360°: what is told of a pixel is what is drawn there."""

import pytest
import torch

from avssl_hub.audio.ambisonics import angle_between, unit_vectors
from avssl_hub.data.avworld360 import AVWorld360, AVWorld360Config, class_maps, class_names
from avssl_hub.video.equirectangular import pixel_directions

# One object of twelve degrees at least, seen whole, on a backdrop without noise.
CONFIG = AVWorld360Config(height=90, sampling_rate=8000, duration=1.0, camera_noise=0.0, num_classes=6)


def test_the_middle_of_an_object_is_of_its_class_and_far_away_is_the_backdrop():
    # Classes 0 to 5 without the ring, which has a hole in the middle.
    clips = AVWorld360(CONFIG).render("train", range(20), times=[[0.0, 0.5]] * 20)
    maps = class_maps(clips.scenes, clips.times, CONFIG)
    assert (maps.shape, maps.dtype) == ((20, 2, 90, 180), torch.uint8)
    azimuth, elevation = clips.scenes.directions(clips.times)
    pixels = unit_vectors(*pixel_directions(90, 180)).double()
    classes, checked = clips.scenes.classes[:, 0], 0
    for scene in range(20):
        for moment in range(2):
            centre = unit_vectors(azimuth[scene, 0, moment], elevation[scene, 0, moment]).double()
            angle = angle_between(pixels, centre.expand_as(pixels)).rad2deg()
            far = maps[scene, moment][angle > clips.scenes.radius[scene, 0].rad2deg() * 1.6]
            assert (far == CONFIG.num_classes).all()
            if classes[scene] != 4:
                checked += 1
                assert (maps[scene, moment][angle < 2] == classes[scene]).all()
    assert checked > 20


def test_what_is_not_seen_has_no_class():
    config = AVWorld360Config(height=30, sampling_rate=8000, duration=1.0, unseen_share=1.0)
    clips = AVWorld360(config).render("train", range(3), times=[[0.0]] * 3)
    assert (class_maps(clips.scenes, clips.times, config) == config.num_classes).all()


@pytest.mark.parametrize("number", [1, 10])
def test_every_class_has_a_name(number):
    names = class_names(AVWorld360Config(num_classes=number))
    assert len(set(names)) == number + 1
    assert names[-1] == "backdrop"
