"""The spaces that a catalogue has side by side, and the aliases that point at them. Immutable: a change makes another.

`visual` is the alias that searches take when they name no space. It always points at a space, so moving it is the one
write that switches a catalogue to another space, and moving it again is the way back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.errors import Conflict, InvalidInput, NotFound, Refused, SpaceMismatch
from services.spaces import Space

VISUAL = "visual"
MAX_SPACES = 8
"""Each is an index in the memory of every replica."""
MAX_ALIASES = 16

_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class Alias:
    """`space`: where it points. `previous`: where it pointed before that, "" for nowhere."""

    space: str
    previous: str = ""


Added = tuple[Space, int]
"""A further space, with the revision that added it, which tells it from one of the same name that was deleted."""


@dataclass(frozen=True)
class Layout:
    """`own`: the space a catalogue was created with. `further`: those that were added, by name. `revision` counts
    all changes, `generation` is the revision of the last one that concerned spaces and not just aliases."""

    own: Space
    further: Mapping[str, Added] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    revision: int = 0
    generation: int = 0

    @classmethod
    def first(cls, own: Space) -> Layout:
        """Of a new catalogue."""
        return cls(own, {}, {VISUAL: Alias(own.name)})

    def spaces(self) -> dict[str, Space]:
        """By name, the one behind `visual` first, then the own one."""
        known = {self.own.name: self.own} | {name: space for name, (space, _) in self.further.items()}
        visual = self.aliases[VISUAL].space
        return {visual: known[visual]} | known

    def made(self, name: str) -> int:
        """The revision that added a space, 0 for the own one."""
        return 0 if name == self.own.name else self.further[name][1]

    def resolve(self, name: str) -> Space:
        """The space of a name or an alias, that of `visual` for an empty one. Raises SpaceMismatch."""
        alias = self.aliases.get(name or VISUAL)
        known = self.spaces()
        space = known.get(alias.space if alias else name)
        if space is None:
            raise SpaceMismatch(expected=next(iter(known)), given=name)
        return space

    def require(self, name: str) -> Space:
        """The space of that name, no alias. Raises NotFound."""
        space = self.spaces().get(name)
        if space is None:
            raise NotFound("space", name, "CreateSpace adds one")
        return space

    def aliases_of(self, name: str) -> list[str]:
        """Those that point at a space, by name."""
        return sorted(alias for alias, target in self.aliases.items() if target.space == name)

    def adding(self, space: Space) -> Layout:
        """With one more space; the same layout when it is there already.

        Raises Conflict for another space of that name, Refused when there are too many.
        """
        known = self.spaces()
        if known.get(space.name) == space:
            return self
        if space.name in known:
            raise Conflict(f"the catalogue has another space {space.name!r}", reason="SPACE_EXISTS")
        if len(known) >= MAX_SPACES:
            raise Refused(f"a catalogue has at most {MAX_SPACES} spaces: delete one", reason="TOO_MANY_SPACES")
        later = self.revision + 1
        return replace(self, further={**self.further, space.name: (space, later)}, revision=later, generation=later)

    def dropping(self, name: str) -> Layout:
        """Without a space. Raises NotFound, and Refused for the own one or one that an alias points at."""
        self.require(name)
        if name == self.own.name:
            raise Refused("the space a catalogue was created with stays with it", reason="OWN_SPACE")
        aliases = self.aliases_of(name)
        if aliases:
            raise Refused(f"the alias {aliases[0]!r} points at it: SetAlias moves it", reason="SPACE_IN_USE")
        rest = {known: entry for known, entry in self.further.items() if known != name}
        later = self.revision + 1
        return replace(self, further=rest, revision=later, generation=later)

    def pointing(self, alias: str, space: str) -> Layout:
        """With an alias set, or removed when `space` is empty; the same layout when it is so already.

        Raises InvalidInput for what is no alias, NotFound for an unknown space, Refused for `visual` pointing nowhere
        or too many aliases.
        """
        if not _ALIAS.fullmatch(alias):
            raise InvalidInput("alias", "is of a-z, 0-9, _ and -, starts with a letter, at most 32 letters")
        present = self.aliases.get(alias, Alias(""))
        if present.space == space:
            return self
        rest = {known: target for known, target in self.aliases.items() if known != alias}
        if not space:
            if alias == VISUAL:
                raise Refused("`visual` must point at a space", reason="VISUAL_NEEDS_SPACE")
            return replace(self, aliases=rest, revision=self.revision + 1)
        self.require(space)
        if len(rest) >= MAX_ALIASES:
            raise Refused(f"a catalogue has at most {MAX_ALIASES} aliases", reason="TOO_MANY_ALIASES")
        return replace(self, aliases={**rest, alias: Alias(space, present.space)}, revision=self.revision + 1)
