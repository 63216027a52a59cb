"""The law as pages for readers: one a jurisdiction, one a topic, tables and a calendar, all worked out from the packs."""
