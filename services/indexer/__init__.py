"""The indexer: catalogues of items in a durable record, and the nearest of them from an index in memory."""
