"""Photo -> vector: decode a picture safely, run the network, and describe it as the blocks of a vector space."""
