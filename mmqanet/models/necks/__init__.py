"""Necks, which join the levels of a backbone."""
