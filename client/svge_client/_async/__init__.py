"""The client for asyncio. `_sync` is made from it by `client/generate_sync.py`: change this one alone."""
