"""What is remembered beyond a restart: settings of servers, votes, and what went unanswered."""
