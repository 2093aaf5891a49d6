"""Person detectors on plain torch."""
