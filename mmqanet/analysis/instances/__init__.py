"""What the quality-aware module brings to instance segmentation (paper, Table 7), from one forward pass."""
