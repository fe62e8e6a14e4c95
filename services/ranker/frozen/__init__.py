"""What is left of an answer: frozen, turned to the next page, looked at again, recorded."""
