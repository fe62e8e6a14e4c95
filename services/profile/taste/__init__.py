"""What people like, folded from what they did and what is known of them."""
