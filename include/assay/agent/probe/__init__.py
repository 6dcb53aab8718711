"""What a machine says of itself, one module per part of it: pure readers of /proc, /sys and lscpu below a given root folder."""
