"""Converters from public data sets to the prepared layout; ``prepared`` is the writer that they share."""
