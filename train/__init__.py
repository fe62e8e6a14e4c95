"""Fine-tuning: the network's last stage, learned from photos of one's own (needs torch: `pip install '.[train]'`)."""
