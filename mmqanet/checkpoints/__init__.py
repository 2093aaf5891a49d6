"""Checkpoints: reading, writing, publishing and converting them."""
