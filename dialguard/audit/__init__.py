"""The decision log: what was decided, on what, by which law; append-only, hash-chained, and verifiable without this program."""
