"""Archive: sealed objects, key store, catalogue, retention, disposition, verification.

The story: `founding` makes a vault, `filing` writes a letter into it, `reading` gets it back for those who
hold the keys, `verification` checks that all of it is there. `layout` says where things lie, `objects`,
`keystore` and `catalogue` keep them, `textpart` is what a letter says.
"""

__part_of__ = "poststelle"
