"""Heads: classes, IoU scores, masks and coordinates of crops and regions."""
