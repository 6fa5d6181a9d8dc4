// Bottleneck, whose state is kept by large scripts: several limiters that share it: node bottleneck_app.js PORT

import assert from "node:assert/strict";

import Bottleneck from "bottleneck";
import { Redis } from "ioredis";

const port = Number(process.argv[2]);
const client = new Redis({ port });

const open = [];
async function limiterOf(id, options) {
  const limiter = new Bottleneck({ id, datastore: "ioredis", Redis, clientOptions: { port }, ...options });
  await limiter.ready();
  open.push(limiter);
  return limiter;
}

async function concurrency() {
  const limiters = [await limiterOf("concurrency", { maxConcurrent: 2 }), await limiterOf("concurrency", { maxConcurrent: 2 })];
  let [running, most] = [0, 0];
  const work = async (number) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return number;
  };
  const done = await Promise.all([0, 1, 2, 3, 4, 5].map((number) => limiters[number % 2].schedule(work, number)));
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
  assert.equal(most, 2);
}

async function reservoirs() {
  const limiter = await limiterOf("reservoir", { reservoir: 3 });
  await Promise.all([1, 2].map(() => limiter.schedule(async () => {})));
  assert.equal(await limiter.currentReservoir(), 1);
  assert.equal(await limiter.incrementReservoir(4), 5);
  assert.equal(await limiter.check(5), true);
  assert.equal(await limiter.check(6), false);
}

async function strategies() {
  const limiter = await limiterOf("strategy", { maxConcurrent: 1, highWater: 1, strategy: Bottleneck.strategy.OVERFLOW });
  let end;
  const first = limiter.schedule(() => new Promise((resolve) => (end = resolve)));
  while (!end) await new Promise((resolve) => setTimeout(resolve, 1));
  const second = limiter.schedule(async () => "second");
  const third = limiter.schedule(async () => "third");
  await assert.rejects(third, /dropped/);
  end("first");
  assert.deepEqual(await Promise.all([first, second]), ["first", "second"]);
}

async function groups() {
  const group = new Bottleneck.Group({ datastore: "ioredis", Redis, clientOptions: { port }, maxConcurrent: 1, id: "group" });
  assert.equal(await group.key("one").schedule(async () => 1), 1);
  assert.equal(await group.key("two").schedule(async () => 2), 2);
  assert.deepEqual((await group.clusterKeys()).sort(), ["one", "two"]);
  assert.equal(await group.deleteKey("one"), true);
  await group.disconnect();
}

for (const chapter of [concurrency, reservoirs, strategies, groups]) {
  await client.flushall();
  await chapter();
  await Promise.all(open.splice(0).map((limiter) => limiter.disconnect()));
  console.log(chapter.name);
}
client.disconnect();
