"""What the quality-aware module brings: the paper's ablations and how well a quality predicts the IoU."""
