"""Search: the letter a clerk remembers, in an index nobody else can read."""

__part_of__ = "poststelle"
