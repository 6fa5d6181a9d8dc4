// BullMQ, all of whose steps are scripts, with cmsgpack: jobs, delays, retries, priorities, flows: node bullmq_app.js PORT

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";

import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { Redis } from "ioredis";

const port = Number(process.argv[2]);
const connection = { host: "127.0.0.1", port };

EventEmitter.defaultMaxListeners = 50; // each job that is waited for is a listener

const open = [];
const opened = (thing) => (open.push(thing), thing);
const queueOf = (name) => opened(new Queue(name, { connection }));
const workerOf = (name, work, options = {}) =>
  opened(new Worker(name, work, { connection: { ...connection, maxRetriesPerRequest: null }, ...options }));
const eventsOf = async (name) => {
  const events = opened(new QueueEvents(name, { connection }));
  await events.waitUntilReady();
  return events;
};

async function results() {
  const queue = queueOf("results");
  const events = await eventsOf("results");
  const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, number) => ({ name: "double", data: { number } })));
  assert.equal(await queue.getWaitingCount(), 20);
  workerOf("results", async (job) => job.data.number * 2, { concurrency: 5 });
  assert.deepEqual(await Promise.all(jobs.map((job) => job.waitUntilFinished(events))), jobs.map((_, number) => number * 2));
  assert.equal(await queue.getCompletedCount(), 20);
}

async function retries() {
  const queue = queueOf("retries");
  const events = await eventsOf("retries");
  const job = await queue.add("stubborn", {}, { attempts: 3, backoff: { type: "fixed", delay: 10 } });
  const broken = await queue.add("broken", {});
  workerOf("retries", async (job) => {
    if (job.name === "broken" || job.attemptsMade < 2) throw new Error("as intended");
    return job.attemptsMade;
  });
  assert.equal(await job.waitUntilFinished(events), 2);
  await assert.rejects(broken.waitUntilFinished(events), /as intended/);
  assert.deepEqual((await queue.getFailed()).map((job) => job.id), [broken.id]);
}

async function delays() {
  const queue = queueOf("delays");
  const events = await eventsOf("delays");
  const asked = Date.now();
  const job = await queue.add("later", {}, { delay: 100 });
  assert.equal(await job.getState(), "delayed");
  workerOf("delays", async () => Date.now());
  assert.ok((await job.waitUntilFinished(events)) >= asked + 100);
}

async function priorities() {
  const queue = queueOf("priorities");
  for (const priority of [5, 1, 10, 3]) await queue.add("job", { priority }, { priority });
  const done = [];
  const worker = workerOf("priorities", async (job) => void done.push(job.data.priority));
  await once(worker, "drained");
  assert.deepEqual(done, [1, 3, 5, 10]);
}

async function flows() {
  const flow = opened(new FlowProducer({ connection }));
  const events = await eventsOf("flows");
  const { job } = await flow.add({
    name: "sum",
    queueName: "flows",
    children: [1, 2, 3].map((number) => ({ name: "part", queueName: "flows", data: { number } })),
  });
  workerOf("flows", async (job) => {
    if (job.name === "part") return job.data.number;
    return Object.values(await job.getChildrenValues()).reduce((sum, number) => sum + number, 0);
  });
  assert.equal(await job.waitUntilFinished(events), 6);
}

const redis = new Redis(connection);
for (const chapter of [results, retries, delays, priorities, flows]) {
  await redis.flushall();
  await chapter();
  await Promise.all(open.splice(0).map((thing) => thing.close()));
  console.log(chapter.name);
}
redis.disconnect();
