"""Programs that measure: C sources that are compiled on the measured machine, and a script that times a LAPACK library."""
