"""Why: parts of scores → reasons → sentences, what would change a place, where in the photo it comes from."""
