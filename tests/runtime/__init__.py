"""How a process of visrec behaves: health, deadlines, errors on the wire, drain, Redis, the launcher."""
