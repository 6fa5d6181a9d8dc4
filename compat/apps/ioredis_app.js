// What an application does with ioredis, checked from end to end: node ioredis_app.js PORT
//
// Nothing here knows which server it talks to. The first thing that is not as it should be ends it with an error.

import assert from "node:assert/strict";
import { once } from "node:events";

import { Redis } from "ioredis";

const port = Number(process.argv[2]);
const connect = (options = {}) => new Redis({ host: "127.0.0.1", port, ...options });

async function values(redis) {
  assert.equal(await redis.set("greeting", "hello", "EX", 100), "OK");
  assert.equal(await redis.get("greeting"), "hello");
  assert.deepEqual(await redis.getBuffer("greeting"), Buffer.from("hello"));
  assert.equal(await redis.get("missing"), null);
  await redis.mset({ one: 1, two: 2 });
  assert.deepEqual(await redis.mget("one", "two", "missing"), ["1", "2", null]);
  await redis.hset("person", { name: "Ada", born: 1815 });
  assert.deepEqual(await redis.hgetall("person"), { name: "Ada", born: "1815" });
  await assert.rejects(redis.lpush("person", "x"), /^ReplyError: WRONGTYPE/);
}

async function pipelines(redis) {
  const replies = await redis.pipeline().set("n", 1).incr("n").lpush("n", "x").get("n").exec();
  assert.deepEqual(replies.map(([error, reply]) => error?.message.split(" ")[0] ?? reply), ["OK", 2, "WRONGTYPE", "2"]);
  const many = redis.pipeline();
  for (let number = 0; number < 1000; number++) many.rpush("many", number);
  assert.equal((await many.exec()).at(-1)[1], 1000);
}

async function transactions(redis) {
  assert.deepEqual(await redis.multi().set("t", 1).incr("t").exec(), [[null, "OK"], [null, 2]]);
  const other = connect();
  await redis.watch("t");
  await other.set("t", 10);
  assert.equal(await redis.multi().incr("t").exec(), null);
  assert.equal(await redis.get("t"), "10");
  await assert.rejects(redis.multi().set("t").exec(), /EXECABORT/);
  other.disconnect();
}

async function channels(redis) {
  const listener = connect();
  assert.equal(await listener.subscribe("news", "weather"), 2);
  assert.equal(await listener.psubscribe("n*"), 3);
  const heard = [];
  listener.on("message", (channel, message) => heard.push([channel, message]));
  const matched = once(listener, "pmessage");
  assert.equal(await redis.publish("weather", "rain"), 1);
  assert.equal(await redis.publish("news", "none"), 2);
  assert.deepEqual(await matched, ["n*", "news", "none"]);
  assert.deepEqual(heard, [["weather", "rain"], ["news", "none"]]);
  await listener.unsubscribe("news", "weather");
  await listener.punsubscribe("n*");
  assert.equal(await listener.ping(), "PONG");
  listener.disconnect();
}

async function scans(redis) {
  await redis.mset(Object.fromEntries(Array.from({ length: 500 }, (_, number) => [`scan:${number}`, number])));
  const seen = new Set();
  for await (const keys of redis.scanStream({ match: "scan:*", count: 50 })) keys.forEach((key) => seen.add(key));
  assert.equal(seen.size, 500);
  await redis.sadd("members", ...Array.from({ length: 500 }, (_, number) => `m${number}`));
  const members = new Set();
  for await (const part of redis.sscanStream("members")) part.forEach((member) => members.add(member));
  assert.equal(members.size, 500);
}

async function streams(redis) {
  await redis.xgroup("CREATE", "jobs", "workers", "$", "MKSTREAM");
  const reader = connect();
  const waiting = reader.xreadgroup("GROUP", "workers", "w1", "COUNT", 10, "BLOCK", 0, "STREAMS", "jobs", ">");
  const id = await redis.xadd("jobs", "*", "task", "sweep");
  assert.deepEqual(await waiting, [["jobs", [[id, ["task", "sweep"]]]]]);
  assert.equal((await redis.xpending("jobs", "workers"))[0], 1);
  assert.equal(await redis.xack("jobs", "workers", id), 1);
  assert.equal((await redis.xpending("jobs", "workers"))[0], 0);
  reader.disconnect();
}

async function waits(redis) {
  const worker = connect();
  const waiting = worker.blpop("queue", "other", 0);
  await redis.rpush("queue", "job");
  assert.deepEqual(await waiting, ["queue", "job"]);
  assert.equal(await worker.blpop("queue", 0.01), null);
  worker.disconnect();
}

async function reconnections(redis) {
  const cut = connect({ retryStrategy: () => 1 });
  const id = await cut.client("ID");
  const listener = connect({ retryStrategy: () => 1 });
  await listener.subscribe("lasting");
  const listenerId = (await redis.client("LIST", "TYPE", "pubsub")).match(/^id=(\d+)/)[1];
  const again = [once(cut, "ready"), once(listener, "ready")];
  assert.equal(await redis.client("KILL", "ID", id), 1);
  assert.equal(await redis.client("KILL", "ID", listenerId), 1);
  await Promise.all(again);
  assert.notEqual(await cut.client("ID"), id);
  while ((await redis.pubsub("NUMSUB", "lasting"))[1] === 0); // it subscribes again by itself
  const message = once(listener, "message");
  await redis.publish("lasting", "still there");
  assert.deepEqual(await message, ["lasting", "still there"]);
  cut.disconnect();
  listener.disconnect();
}

const redis = connect();
await redis.flushall();
for (const chapter of [values, pipelines, transactions, channels, scans, streams, waits, reconnections]) {
  await chapter(redis);
  console.log(chapter.name);
}
await redis.quit();
