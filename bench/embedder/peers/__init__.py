"""The same work by other means. These modules run in var/envs/peers too, so they import nothing of the project but each
other."""
