"""From facts to a decision: candidate rules, their evaluation, time search and the decision itself."""
