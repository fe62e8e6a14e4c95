"""What a caller of visrec installs: the generated contract (`visrec.v1`), a typed client and the `visrec` command."""
