"""What fine-tuning is worth, on photos that nothing was learned or chosen by."""
