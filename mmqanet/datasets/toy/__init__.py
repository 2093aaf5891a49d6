"""The embedded data set: drawn people in CIHP's twenty classes, with exact labels."""
from mmqanet.datasets.toy.scene import ToyPerson, ToyScene, draw_scene
from mmqanet.datasets.toy.writer import draw_toy_dataset

__all__ = ['ToyPerson', 'ToyScene', 'draw_scene', 'draw_toy_dataset']
