"""Who people are, how they sign in, and what they may open."""
