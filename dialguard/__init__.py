"""DialGuard: decides whether a business may call or text somebody in the United States, and why."""
