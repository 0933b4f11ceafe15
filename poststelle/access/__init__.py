"""The security kernel: identities, key book, sealing, database opening, audit. Readable in a day."""
