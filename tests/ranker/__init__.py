"""The ranker: fusion, scenes, reasons, the use case over fakes, and the contract through a real server."""
