"""What a run on EC2 would start and cost: pure functions from descriptions to a plan. Nothing here speaks to AWS."""
