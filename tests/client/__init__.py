"""The client and the visrec command, against small in-process services."""
