"""The service that dialers ask before each attempt: HTTP, and the protocols that dialers already speak."""
