"""Backbones that mmseg does not have, or computes otherwise than the release."""
