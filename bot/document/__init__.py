"""The organisation's document: reading it, checking it, parting it into sentences."""
