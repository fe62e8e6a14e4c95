"""The Open Inference Protocol beside our own contract: the same model and queue, for clients of KServe and Triton.

`open_inference_pb2*` are generated from protos/inference by `make protos`. As the standard wants it, their messages are
of the package `inference`, and so are those of its other clients: protobuf lets only one of them into a process.
"""
