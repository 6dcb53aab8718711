"""What runs on the measured machine: profiles it, runs the suite, keeps what every tool printed, writes the manifest last.

Standard library only, and of Assay itself only `assay.errors` and `assay.session`: the agent ships as one zipapp to machines that
have nothing but Python 3.11.
"""
