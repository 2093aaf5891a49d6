"""Patterns of cloth by their shares of the second colour; tables of colours and poses, which a version keeps."""
import hashlib
import json

import numpy as np
import pytest

from mmqanet.preparation.toy import background, skeleton, texture, writer
from mmqanet.preparation.toy.texture import cloth


def drawn(kind, period):
    return np.asarray(texture._PATTERNS[kind](np.random.default_rng(5), period), float)


def test_checks_plaid_and_fade_by_hand():
    y, x = np.mgrid[:128, :128]
    assert (drawn('checks', 16) == (y // 8 + x // 8) % 2).all()
    plaid = [[0.5 * (row % 10 < 4) + 0.5 * (column % 10 < 4) for column in range(128)] for row in range(128)]
    np.testing.assert_allclose(drawn('plaid', 10), plaid)
    np.testing.assert_allclose(drawn('fade', 16), np.abs(y / 64 - 1))


def test_dots_are_discs_in_staggered_rows():
    dots = drawn('dots', 32)
    share = np.random.default_rng(5).uniform(0.22, 0.34)
    assert dots.mean() == pytest.approx(np.pi * share**2, rel=0.03)
    assert dots[16, 16] == dots[48, 32] == 1
    assert dots[16, 0] == dots[48, 16] == dots[0, 16] == 0


def test_stripes_take_a_third_to_three_fifths():
    shares = []
    for seed in range(60):
        stripes = texture._stripes(np.random.default_rng(seed), 64)
        shares.append(stripes.mean())
        assert stripes.any()
        assert not stripes.all()
    assert 0.27 < min(shares) < 0.36
    assert 0.54 < max(shares) < 0.63


def test_mottles_are_blocks_of_a_quarter_of_the_period():
    blocks = drawn('mottle', 32).reshape(16, 8, 16, 8)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert len(np.unique(blocks)) == 256
    assert 0.3 < blocks.max() <= 0.8


def test_a_cloth_is_between_its_two_colours():
    kinds = set()
    for seed in range(80):
        material = cloth(np.random.default_rng(seed), scale=300.0)
        kinds.add(material.tile is None)
        if material.tile is not None:
            assert material.tile.shape == (128, 128, 3)
            np.testing.assert_allclose(material.tile.mean((0, 1)), material.colour, atol=0.1)
    assert kinds == {True, False}


def test_colours_and_poses_are_changed_on_purpose_only():
    """A change of them alters the pictures, and so raises ``VERSION``."""
    tables = [texture.GARMENT_COLOURS, texture.SKIN_COLOURS, texture.HAIR_COLOURS, background._SKY, background._GREEN,
              background._GROUND, background._WALL, skeleton._ARMS, skeleton._LEGS, skeleton._STANCES]
    assert writer.VERSION == 2
    assert hashlib.sha256(json.dumps(tables).encode()).hexdigest()[:12] == 'a6c6260c6565'
