"""Ambisonics up to third order: encode, decode, rotate, convert, and find out where sound comes from.

Sounds are ``(..., channels, samples)`` of a full sphere in ACN order and SN3D scale (W, Y, Z, X, ...) unless a
``Convention`` says otherwise. Axes are x forward, y left, z up; angles are in radians, azimuth left positive. Functions
of sounds and angles are differentiable in both.
"""

from .conventions import AMBIX, CONVENTIONS, Convention, convert, named_convention, order_of
from .covariance import window_covariance
from .decode import decode, decode_to_design, decoding_matrix
from .designs import t_design
from .directions import angle_between, angles_of, open_grid, picture_grid, unit_vectors
from .encode import encode, encode_at_distance, encode_moving
from .face import face, facing_rotation, mirrored, mono_towards
from .harmonics import harmonics_of, spherical_harmonics
from .intensity import Arrival, arrival, arrival_of_covariance
from .power_map import map_of_covariance, power_map
from .rotate import harmonics_rotation, rotate, rotation_matrix, turn

__all__ = [
    "AMBIX",
    "CONVENTIONS",
    "Arrival",
    "Convention",
    "angle_between",
    "angles_of",
    "arrival",
    "arrival_of_covariance",
    "convert",
    "decode",
    "decode_to_design",
    "decoding_matrix",
    "encode",
    "encode_at_distance",
    "encode_moving",
    "face",
    "facing_rotation",
    "harmonics_of",
    "harmonics_rotation",
    "map_of_covariance",
    "mirrored",
    "mono_towards",
    "named_convention",
    "open_grid",
    "order_of",
    "picture_grid",
    "power_map",
    "rotate",
    "rotation_matrix",
    "spherical_harmonics",
    "t_design",
    "turn",
    "unit_vectors",
    "window_covariance",
]
