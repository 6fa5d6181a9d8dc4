// Scripts with ioredis: own commands (defineCommand), with buffers, in pipelines and transactions: node ... PORT

import assert from "node:assert/strict";

import { Redis } from "ioredis";

const port = Number(process.argv[2]);

const scripts = {
  multiply: { numberOfKeys: 1, lua: "return redis.call('SET', KEYS[1], ARGV[1] * ARGV[2]) and redis.call('GET', KEYS[1])" },
  echo: { lua: "return {KEYS[1] or false, ARGV[1] or false, #KEYS, #ARGV}" },
  range: { numberOfKeys: 0, lua: "local r = {} for i = 1, tonumber(ARGV[1]) do r[i] = i end return r" },
  refuse: { numberOfKeys: 0, lua: "return redis.error_reply('MINE is the text')" },
  blunder: { numberOfKeys: 0, lua: "return nosuch.field" },
};

async function commands(redis) {
  assert.equal(await redis.multiply("product", 6, 7), "42");
  assert.deepEqual(await redis.echo(2, "a", "b", "c"), ["a", "c", 2, 1]);
  assert.deepEqual(await redis.echo(0), [null, null, 0, 0]);
  assert.deepEqual(await redis.range(1000), Array.from({ length: 1000 }, (_, index) => index + 1));
  const binary = Buffer.from([0, 1, 13, 10, 128, 255]);
  assert.deepEqual((await redis.echoBuffer(1, binary, binary)).slice(0, 2), [binary, binary]);
}

async function cached(redis) {
  await redis.script("FLUSH");
  assert.equal(await redis.multiply("product", 2, 3), "6"); // EVALSHA finds nothing, EVAL is tried
  const sha = await redis.script("LOAD", "return ARGV[1]");
  assert.equal(await redis.evalsha(sha, 0, "x"), "x");
  assert.deepEqual(await redis.script("EXISTS", sha, "0".repeat(40)), [1, 0]);
  await assert.rejects(redis.evalsha("0".repeat(40), 0), /^ReplyError: NOSCRIPT/);
}

async function pipelines(redis) {
  const replies = await redis.pipeline().multiply("a", 2, 3).get("a").refuse().exec();
  assert.deepEqual(replies.slice(0, 2), [[null, "6"], [null, "6"]]);
  assert.match(replies[2][0].message, /^MINE is the text/);
  assert.deepEqual(await redis.multi().multiply("a", 3, 3).get("a").exec(), [[null, "9"], [null, "9"]]);
}

async function errors(redis) {
  await assert.rejects(redis.refuse(), /^ReplyError: MINE is the text/);
  await assert.rejects(redis.blunder(), /nonexistent global variable 'nosuch'/);
  await redis.lpush("list", 1);
  await assert.rejects(redis.eval("return redis.call('GET', KEYS[1])", 1, "list"), /^ReplyError: WRONGTYPE/);
  assert.equal(await redis.eval("return redis.pcall('GET', KEYS[1]).err ~= nil", 1, "list"), 1);
}

const redis = new Redis({ host: "127.0.0.1", port, scripts });
await redis.flushall();
for (const chapter of [commands, cached, pipelines, errors]) {
  await chapter(redis);
  console.log(chapter.name);
}
await redis.quit();
