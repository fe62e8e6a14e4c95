"""Generated from protos/visrec/v1 by `make protos`; the comments stand there."""
