"""Facts about an attempt that can be worked out from what the caller sent."""
