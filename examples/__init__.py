"""What callers ask, scene by scene: each a few lines over `visrec.client`, and a command to try them."""
