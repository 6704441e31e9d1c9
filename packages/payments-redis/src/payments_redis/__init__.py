"""
Redis in front of idempotency keys: a cache that may be lost at any time.
"""

from payments_redis.idempotency import RedisResultCache
from payments_redis.settings import RedisSettings

__all__ = ["RedisResultCache", "RedisSettings"]
