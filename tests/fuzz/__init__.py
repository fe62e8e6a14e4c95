"""Picture files that mean harm, made by code, and a fuzzer that looks for more: `python -m tests.fuzz.pictures`.

Only numpy and Pillow are needed here, and atheris by the fuzzer.
"""
