"""The embedded data set: drawn people in CIHP's twenty classes, with exact labels."""
from mmqanet.preparation.toy.scene import ToyPerson, ToyScene, draw_scene
from mmqanet.preparation.toy.writer import draw_toy_dataset

__all__ = ['ToyPerson', 'ToyScene', 'draw_scene', 'draw_toy_dataset']
