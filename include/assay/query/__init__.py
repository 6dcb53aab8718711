"""Questions about recordings, `fatigue>=3 and hardware_model~"X1"`: text to a tree by a grammar, the tree to bound SQL."""
