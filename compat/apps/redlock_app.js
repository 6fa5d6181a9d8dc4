// Redlock and redis-semaphore: locks by scripts, on ioredis: node redlock_app.js PORT

import assert from "node:assert/strict";

import { Redlock } from "@sesamecare-oss/redlock";
import { Redis } from "ioredis";
import { Mutex } from "redis-semaphore";

const port = Number(process.argv[2]);
const client = new Redis({ port });

async function locks() {
  const redlock = new Redlock([client], { retryCount: 0 });
  const lock = await redlock.acquire(["a", "b"], 5000);
  await assert.rejects(redlock.acquire(["b"], 5000));
  const extended = await lock.extend(60_000);
  assert.ok((await client.pttl("a")) > 5000);
  await extended.release();
  assert.equal(await client.exists("a", "b"), 0);
}

async function sections() {
  const redlock = new Redlock([client]);
  let [inside, count] = [0, 0];
  const enter = () =>
    redlock.using(["a"], 5000, async () => {
      assert.equal(++inside, 1);
      await client.incr("count");
      count++;
      inside--;
    });
  await Promise.all([enter(), enter(), enter()]);
  assert.equal(count, 3);
}

async function mutexes() {
  const mutex = new Mutex(client, "mutex");
  await mutex.acquire();
  const other = new Mutex(client, "mutex");
  assert.equal(await other.tryAcquire(), false);
  await mutex.release();
  assert.equal(await other.tryAcquire(), true);
  await other.release();
}

for (const chapter of [locks, sections, mutexes]) {
  await client.flushall();
  await chapter();
  console.log(chapter.name);
}
client.disconnect();
