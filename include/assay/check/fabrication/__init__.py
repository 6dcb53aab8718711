"""How made-up results are told from measured ones: what was printed, and how likely honest machines would print it by chance."""
