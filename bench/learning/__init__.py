"""What learning from people's choices is worth, through running services."""
