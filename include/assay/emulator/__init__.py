"""AWS on this machine, for `make run-fleet` and for tests: a server that stands for EC2 and S3, and machines that really boot.

moto, which emulates, is among the locked packages of a checkout and not of the package itself: nothing but this room imports it.
"""

import os
from pathlib import Path

# The emulator reads it once, when it is loaded: the images that Debian publishes on EC2, instead of thousands of others.
os.environ.setdefault("MOTO_AMIS_PATH", str(Path(__file__).with_name("images.json")))
