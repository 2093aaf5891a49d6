"""What a person wears: which garments, how long, of which material."""
from dataclasses import dataclass

import numpy as np

from mmqanet.preparation.toy.parts import Part
from mmqanet.preparation.toy.texture import GARMENT_COLOURS, HAIR_COLOURS, SKIN_COLOURS, Material, cloth, pick, plain


@dataclass(frozen=True)
class Outfit:
    """Garments of one person. Lengths along a leg or an arm: 0 at hip or shoulder, 1 knee or elbow, 2 ankle or wrist.

    body: UPPER_CLOTHES or DRESS. body_length: of a dress along the leg; of a top, how far above (< 0) the hip it ends.
    sleeves: length, 0 for none. neckline: 'v', 'round' or 'high'.
    coat_length: along the leg, 0 for no coat.
    legwear: PANTS, SKIRT, or None under a dress; legwear_length along the leg.
    socks: the share of the shin they cover, 0 for none. boots: the share of the shin covered by boots.
    hat: 'none', 'cap', 'beanie' or 'brim'. hair: 'bald', 'short', 'bob', 'long', 'bun', 'tail' or 'curls'.
    """

    body: Part
    body_length: float
    sleeves: float
    neckline: str
    coat_length: float
    legwear: Part | None
    legwear_length: float
    tucked: bool
    socks: float
    boots: float
    gloves: bool
    scarf: bool
    sunglasses: bool
    hat: str
    hair: str
    materials: dict[str, Material]


_HATS = ('none', 'cap', 'beanie', 'brim')
_HAT_ODDS = (0.64, 0.13, 0.13, 0.1)
_HAIRS = ('bald', 'short', 'bob', 'long', 'bun', 'tail', 'curls')
_HAIR_ODDS = (0.06, 0.3, 0.14, 0.2, 0.08, 0.1, 0.12)


def random_outfit(rng: np.random.Generator, *, scale: float, front: bool) -> Outfit:
    """Dresses a person ``scale`` canvas pixels tall. Sunglasses go with a face, so only with ``front``."""
    dress = rng.random() < 0.24
    legwear, length = (None, 0.0) if dress else _legwear(rng)
    bare_shin = dress or length < 1.5
    boots = rng.uniform(0.25, 0.6) if rng.random() < 0.15 else 0.0
    return Outfit(
        body=Part.DRESS if dress else Part.UPPER_CLOTHES,
        body_length=rng.uniform(0.5, 1.0) if dress else rng.choice([0.0, -0.16], p=[0.86, 0.14]),
        sleeves=rng.choice([0.0, 0.55, 0.95, 1.9], p=[0.4, 0.44, 0.12, 0.04] if dress else [0.18, 0.47, 0.1, 0.25]),
        neckline=str(rng.choice(['v', 'round', 'high'], p=[0.42, 0.42, 0.16])),
        coat_length=rng.uniform(0.55, 1.1) if rng.random() < 0.24 else 0.0,
        legwear=legwear,
        legwear_length=length,
        tucked=bool(rng.random() < 0.45),
        socks=rng.uniform(0.45, 0.85) if bare_shin and not boots and rng.random() < 0.68 else 0.0,
        boots=boots,
        gloves=bool(rng.random() < 0.28),
        scarf=bool(rng.random() < 0.26),
        sunglasses=front and bool(rng.random() < 0.34),
        hat=str(rng.choice(_HATS, p=_HAT_ODDS)),
        hair=_hair(rng, front),
        materials=_materials(rng, scale),
    )


def _legwear(rng: np.random.Generator) -> tuple[Part, float]:
    kind = rng.choice(['long', 'cropped', 'shorts', 'skirt'], p=[0.38, 0.08, 0.24, 0.3])
    low, high = {'long': (1.86, 1.98), 'cropped': (1.3, 1.45), 'shorts': (0.45, 0.95), 'skirt': (0.5, 1.1)}[kind]
    return Part.SKIRT if kind == 'skirt' else Part.PANTS, rng.uniform(low, high)


def _hair(rng: np.random.Generator, front: bool) -> str:
    hair = str(rng.choice(_HAIRS, p=_HAIR_ODDS))
    return 'short' if hair == 'bald' and not front else hair  # a bald head from behind could pass for a face


def _materials(rng: np.random.Generator, scale: float) -> dict[str, Material]:
    garments = ('body', 'coat', 'legwear', 'socks', 'shoes', 'gloves', 'scarf', 'hat')
    materials = {name: cloth(rng, scale) for name in garments}
    materials['skin'] = plain(rng, SKIN_COLOURS, 6)
    dyed = rng.random() < 0.08
    materials['hair'] = plain(rng, GARMENT_COLOURS if dyed else HAIR_COLOURS, 6)
    materials['stool'] = plain(rng, GARMENT_COLOURS)
    materials['lenses'] = Material(pick(rng, GARMENT_COLOURS) * rng.uniform(0.15, 0.7))
    return materials
