// What an application does with node-redis on RESP3, checked from end to end: node node_redis_app.js PORT
//
// Nothing here knows which server it talks to. The first thing that is not as it should be ends it with an error.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";

import { createClient, WatchError } from "redis";

const url = `redis://127.0.0.1:${process.argv[2]}`;

async function connect(options = {}) {
  const client = createClient({ url, RESP: 3, ...options });
  client.on("error", () => {}); // a lost connection is made again
  await client.connect();
  return client;
}

async function values(client) {
  assert.equal(await client.set("greeting", "hello", { expiration: { type: "EX", value: 100 } }), "OK");
  assert.equal(await client.get("greeting"), "hello");
  assert.equal(await client.get("missing"), null);
  assert.equal(await client.hSet("person", { name: "Ada", born: "1815" }), 2);
  assert.deepEqual({ ...(await client.hGetAll("person")) }, { name: "Ada", born: "1815" });
  await client.zAdd("scores", [{ score: 1.5, value: "a" }, { score: 2, value: "b" }]);
  assert.deepEqual(await client.zRangeWithScores("scores", 0, -1), [
    { value: "a", score: 1.5 },
    { value: "b", score: 2 },
  ]);
  assert.equal(await client.zScore("scores", "a"), 1.5);
  await client.sAdd("set", ["x", "y"]);
  assert.deepEqual([...(await client.sMembers("set"))].sort(), ["x", "y"]);
  await assert.rejects(client.lPush("person", "x"), /WRONGTYPE/);
}

async function pipelines(client) {
  const replies = await Promise.all(Array.from({ length: 1000 }, () => client.incr("counter")));
  assert.deepEqual(replies, Array.from({ length: 1000 }, (_, number) => number + 1));
}

async function transactions(client) {
  assert.deepEqual(await client.multi().set("t", "1").incr("t").get("t").exec(), ["OK", 2, "2"]);
  const careful = await connect();
  await careful.watch("t");
  await client.set("t", "10");
  await assert.rejects(careful.multi().incr("t").exec(), WatchError);
  assert.equal(await client.get("t"), "10");
  careful.destroy();
}

async function channels(client) {
  const listener = await connect();
  const heard = [];
  let last;
  const done = new Promise((resolve) => (last = resolve));
  await listener.subscribe("news", (message, channel) => heard.push([channel, message]));
  await listener.pSubscribe("n*", (message, channel) => last([channel, message]));
  assert.equal(await client.publish("news", "none"), 2);
  assert.deepEqual(await done, ["news", "none"]);
  assert.deepEqual(heard, [["news", "none"]]);
  assert.equal(await listener.get("t"), "10"); // on RESP3 a listener may ask as well
  await listener.unsubscribe("news");
  await listener.pUnsubscribe("n*");
  assert.equal(await client.publish("news", "nobody"), 0);
  const shard = new Promise((resolve) => (last = resolve));
  await listener.sSubscribe("shard", (message) => last(message));
  assert.equal(await client.sPublish("shard", "here"), 1);
  assert.equal(await shard, "here");
  listener.destroy();
}

async function scans(client) {
  await client.mSet(Array.from({ length: 500 }, (_, number) => [`scan:${number}`, "v"]));
  const seen = new Set();
  for await (const keys of client.scanIterator({ MATCH: "scan:*", COUNT: 50 })) keys.forEach((key) => seen.add(key));
  assert.equal(seen.size, 500);
  const fields = new Map();
  for await (const part of client.hScanIterator("person")) part.forEach(({ field, value }) => fields.set(field, value));
  assert.deepEqual([...fields].sort(), [["born", "1815"], ["name", "Ada"]]);
}

async function streams(client) {
  await client.xGroupCreate("jobs", "workers", "$", { MKSTREAM: true });
  const reader = await connect({ RESP: 2 }); // on RESP3 this version of node-redis has no XREADGROUP yet
  const waiting = reader.xReadGroup("workers", "w1", { key: "jobs", id: ">" }, { COUNT: 10, BLOCK: 0 });
  const id = await client.xAdd("jobs", "*", { task: "sweep" });
  const [{ name, messages }] = await waiting;
  assert.equal(name, "jobs");
  assert.deepEqual(messages.map((entry) => [entry.id, { ...entry.message }]), [[id, { task: "sweep" }]]);
  assert.equal((await client.xPending("jobs", "workers")).pending, 1);
  assert.equal(await client.xAck("jobs", "workers", id), 1);
  assert.equal((await client.xInfoGroups("jobs"))[0].pending, 0);
  reader.destroy();
}

async function waits(client) {
  const worker = await connect();
  const waiting = worker.blPop(["queue", "other"], 0);
  await client.rPush("queue", "job");
  assert.deepEqual({ ...(await waiting) }, { key: "queue", element: "job" });
  assert.equal(await worker.blPop("queue", 0.01), null);
  worker.destroy();
}

async function reconnections(client) {
  const cut = await connect({ socket: { reconnectStrategy: 1 } });
  const heard = new Promise((resolve) => cut.subscribe("lasting", resolve));
  const id = await cut.sendCommand(["CLIENT", "ID"]);
  const again = new Promise((resolve) => cut.once("ready", resolve));
  assert.equal(await client.sendCommand(["CLIENT", "KILL", "ID", String(id)]), 1);
  await again;
  assert.notEqual(await cut.sendCommand(["CLIENT", "ID"]), id);
  while ((await client.publish("lasting", "still there")) === 0); // it subscribes again by itself
  assert.equal(await heard, "still there");
  cut.destroy();
}

async function caching(client) {
  const cached = await connect({ clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: "LRU" } });
  const asked = async () => Number((await client.info("commandstats")).match(/cmdstat_get:calls=(\d+)/)[1]);
  await client.set("cached", "1");
  assert.equal(await cached.get("cached"), "1");
  const before = await asked();
  assert.equal(await cached.get("cached"), "1");
  assert.equal(await asked(), before); // the second time, nobody asked the server
  await client.set("cached", "2");
  while ((await cached.get("cached")) !== "2") await setImmediate(); // until the server has said that it changed
  assert.equal(await asked(), before + 1);
  await client.flushAll();
  while ((await cached.get("cached")) !== null) await setImmediate();
  cached.destroy();
}

const client = await connect();
await client.flushAll();
for (const chapter of [values, pipelines, transactions, channels, scans, streams, waits, reconnections, caching]) {
  await chapter(client);
  console.log(chapter.name);
}
await client.close();
