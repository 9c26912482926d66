"""The client for threads, made from `_async` by `client/generate_sync.py`: do not change it here."""
