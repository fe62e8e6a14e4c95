"""The parts of the `visrec` command, one file for each kind of thing it works on. `visrec.cli` puts them together."""
