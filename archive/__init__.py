"""Archive: sealed objects, key store, catalogue, retention, disposition, verification."""

__part_of__ = "poststelle"
