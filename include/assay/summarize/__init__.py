"""Statistics over accepted measurements: medians with intervals, spreads, grades, rankings, change points."""
