"""For packages that add a provider: the tests that every provider passes, to run against one's own."""

from chant_tasks.testing.provider_contract import ProviderContract, Transcript, make_request

__all__ = ["ProviderContract", "Transcript", "make_request"]
