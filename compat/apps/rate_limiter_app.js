// rate-limiter-flexible on both Node clients: node rate_limiter_app.js PORT

import assert from "node:assert/strict";

import { Redis } from "ioredis";
import { BurstyRateLimiter, RateLimiterRedis } from "rate-limiter-flexible";
import { createClient } from "redis";

const port = Number(process.argv[2]);
const ioredis = new Redis({ host: "127.0.0.1", port, enableOfflineQueue: false, lazyConnect: true });
const nodeRedis = createClient({ socket: { host: "127.0.0.1", port } });

async function points(redis, options) {
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 3, duration: 60, keyPrefix: "points", ...options });
  for (const left of [2, 1, 0]) assert.equal((await limiter.consume("user")).remainingPoints, left);
  const refused = await limiter.consume("user").catch((reason) => reason);
  assert.equal(refused.consumedPoints, 4);
  assert.ok(refused.msBeforeNext > 0 && refused.msBeforeNext <= 60_000);
  assert.equal((await limiter.get("user")).remainingPoints, 0);
  assert.equal((await limiter.reward("user", 2)).consumedPoints, 2);
  assert.equal((await limiter.penalty("user", 1)).consumedPoints, 3);
  assert.equal(await limiter.delete("user"), true);
  assert.equal(await limiter.get("user"), null);
}

async function blocks(redis, options) {
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 1, duration: 1, blockDuration: 100, keyPrefix: "blocks", ...options });
  await limiter.consume("user");
  const refused = await limiter.consume("user").catch((reason) => reason);
  assert.ok(refused.msBeforeNext > 90_000);
  await limiter.block("other", 50);
  await assert.rejects(limiter.consume("other"), (reason) => reason.msBeforeNext > 40_000);
}

async function bursts(redis, options) {
  const part = (keyPrefix, most) => new RateLimiterRedis({ storeClient: redis, points: most, duration: 60, keyPrefix, ...options });
  const limiter = new BurstyRateLimiter(part("steady", 1), part("burst", 2));
  for (let number = 0; number < 3; number++) await limiter.consume("user");
  await assert.rejects(limiter.consume("user"), (reason) => reason.msBeforeNext > 0);
}

await ioredis.connect();
await nodeRedis.connect();
for (const chapter of [points, blocks, bursts]) {
  await ioredis.flushall();
  await chapter(ioredis, {});
  await ioredis.flushall();
  await chapter(nodeRedis, { useRedisPackage: true });
  console.log(chapter.name);
}
ioredis.disconnect();
nodeRedis.destroy();
