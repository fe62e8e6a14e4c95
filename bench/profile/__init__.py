"""How fast the profile service is, beside an empty gRPC call, and what a person takes."""
