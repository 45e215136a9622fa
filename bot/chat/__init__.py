"""Discord, and nothing else: what comes from there goes to the assistant, its replies go back."""
