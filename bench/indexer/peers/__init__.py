"""The same search by other means. What runs in var/envs/vectors imports nothing of the project."""
