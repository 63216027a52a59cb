"""The record of consents, revocations, relationships, suppressions, contact facts and attempts."""
