"""Finding the passage that answers, and knowing when none does."""
