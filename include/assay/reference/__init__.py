"""What is known of EC2, each fact with its source and date: instance types, families, processors."""
