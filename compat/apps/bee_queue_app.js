// Bee-Queue: results, retries, delayed jobs, progress, health: node bee_queue_app.js PORT

import assert from "node:assert/strict";
import { once } from "node:events";

import Queue from "bee-queue";
import { createClient } from "redis";

const port = Number(process.argv[2]);
const client = createClient({ socket: { port } });

const open = [];
const queueOf = (name, options = {}) => {
  const queue = new Queue(name, { redis: { port }, ...options });
  open.push(queue);
  return queue;
};

async function results() {
  const queue = queueOf("results");
  const jobs = await Promise.all([1, 2, 3].map((number) => queue.createJob({ number }).save()));
  const done = Promise.all(jobs.map((job) => once(job, "succeeded")));
  queue.process(2, async (job) => job.data.number * 2);
  assert.deepEqual((await done).map(([result]) => result), [2, 4, 6]);
  const health = await queue.checkHealth();
  assert.deepEqual([health.succeeded, health.waiting, health.failed, health.newestJob], [3, 0, 0, 3]);
}

async function retries() {
  const queue = queueOf("retries");
  let attempts = 0;
  const job = queue.createJob({}).retries(2);
  const done = once(job, "succeeded");
  await job.save();
  queue.process(async () => {
    if (++attempts < 3) throw new Error("not yet");
    return attempts;
  });
  assert.deepEqual(await done, [3]);
}

async function failures() {
  const queue = queueOf("failures");
  const job = queue.createJob({});
  const failed = once(job, "failed");
  await job.save();
  queue.process(async () => {
    throw new Error("as intended");
  });
  assert.equal((await failed)[0].message, "as intended");
  assert.equal((await queue.getJob(job.id)).status, "failed");
  await queue.removeJob(job.id);
  assert.equal((await queue.checkHealth()).failed, 0);
}

async function delays() {
  const queue = queueOf("delays", { activateDelayedJobs: true });
  const job = queue.createJob({}).delayUntil(Date.now() + 50);
  const done = once(job, "succeeded");
  await job.save();
  assert.equal((await queue.checkHealth()).delayed, 1);
  queue.process(async () => "done");
  assert.deepEqual(await done, ["done"]);
}

async function progress() {
  const queue = queueOf("progress");
  const job = queue.createJob({});
  const progressed = once(job, "progress");
  const done = once(job, "succeeded");
  await job.save();
  queue.process(async (job) => job.reportProgress({ half: true }));
  assert.deepEqual(await progressed, [{ half: true }]);
  await done;
}

await client.connect();
for (const chapter of [results, retries, failures, delays, progress]) {
  await client.flushAll();
  await chapter();
  await Promise.all(open.splice(0).map((queue) => queue.close()));
  console.log(chapter.name);
}
client.destroy();
