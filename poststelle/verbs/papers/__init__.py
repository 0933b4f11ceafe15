"""The papers that `evidence export` writes: what the company shows its auditors, made from live state."""
