"""A question-and-answer bot over an organisation's own document."""
