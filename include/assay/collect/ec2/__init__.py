"""EC2 through boto3: what it says of its types, quotas and machines, and what we ask it to start and end.

Every client is made in `client.py`; AWS_ENDPOINT_URL leads all of them to another server, such as an emulator.
"""
