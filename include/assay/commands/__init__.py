"""The `assay` subcommands, one module for each group; heavy imports wait until a command runs."""
