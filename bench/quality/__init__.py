"""`make eval`: what the answers are worth, measured on labelled pictures and through running services."""
