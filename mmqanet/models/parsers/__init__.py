"""Parsers: from an image with boxes to people and maps."""
