// connect-redis, where express keeps its sessions: node connect_redis_app.js PORT

import assert from "node:assert/strict";
import { promisify } from "node:util";

import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const port = Number(process.argv[2]);

const wrapped = (store) =>
  Object.fromEntries(["set", "get", "touch", "destroy", "clear", "length", "ids", "all"].map((name) => [name, promisify(store[name]).bind(store)]));

async function sessions(redis) {
  const store = wrapped(new RedisStore({ client: redis, prefix: "s:", ttl: 100 }));
  await store.set("one", { user: "Ada", cookie: {} });
  assert.deepEqual(await store.get("one"), { user: "Ada", cookie: {} });
  assert.equal(await store.get("missing"), null);
  assert.ok((await redis.ttl("s:one")) > 90);
  await store.set("two", { cookie: { expires: new Date(Date.now() + 10_000).toISOString() } });
  assert.ok((await redis.ttl("s:two")) <= 10);
  await store.touch("two", { cookie: { expires: new Date(Date.now() + 50_000).toISOString() } });
  assert.ok((await redis.ttl("s:two")) > 40);
  await store.destroy("two");
  assert.equal(await redis.exists("s:two"), 0);
}

async function many(redis) {
  const store = wrapped(new RedisStore({ client: redis, scanCount: 10 }));
  for (let number = 0; number < 50; number++) await store.set(`id${number}`, { number, cookie: {} });
  assert.equal(await store.length(), 50);
  assert.deepEqual((await store.ids()).sort(), Array.from({ length: 50 }, (_, number) => `id${number}`).sort());
  const all = await store.all();
  assert.equal(all.reduce((sum, session) => sum + session.number, 0), 1225);
  await store.clear();
  assert.equal(await store.length(), 0);
}

const redis = createClient({ socket: { host: "127.0.0.1", port } });
await redis.connect();
for (const chapter of [sessions, many]) {
  await redis.flushAll();
  await chapter(redis);
  console.log(chapter.name);
}
redis.destroy();
