"""`make bench-embedder`: the embedder beside a bare loop over the same graph, and beside other model servers."""
