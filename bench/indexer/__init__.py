"""`make bench-indexer`: the indexer beside what it is made of, beside other servers, and as it grows."""
