"""Crowds composed from photos of single people: real pixels with exact labels of several people."""
from mmqanet.preparation.crowds.composition import Crowd, compose_crowd
from mmqanet.preparation.crowds.writer import compose_crowds

__all__ = ['Crowd', 'compose_crowd', 'compose_crowds']
