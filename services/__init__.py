"""The four services of visrec. Run one with `python -m services NAME`, all of them with `python -m services all`."""
