"""Batch work over what the services keep. A job speaks to them as any caller does: gRPC, and nothing else."""
