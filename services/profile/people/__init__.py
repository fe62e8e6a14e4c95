"""Who people are: attributes, consent, erasure, all that is held of them."""
