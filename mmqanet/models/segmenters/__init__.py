"""Instance segmenters in given boxes."""
