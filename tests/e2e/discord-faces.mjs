// What the proofs of the stand-in Discord share: a stage without usher, plain calls, and discord.js and oceanic.js behind one face.
import assert from 'node:assert/strict';
import * as discordJs from 'discord.js';
import * as oceanic from 'oceanic.js';
import WebSocket from 'ws';
import { Discord } from '../servers/discord.mjs';
import { until } from './harness.mjs';

export const intents = 46593, noContent = 13825;
const agent = 'DiscordBot (https://example.org, 1.0)';

export async function stage(t, { knobs = {}, limits = { on: false }, app: options, ...rest } = {}) {
  const discord = await new Discord({ knobs: { identifyMs: 0, interactionMs: 30_000, ...knobs }, limits, ...rest }).start();
  t.after(() => discord.stop());
  const { world, people } = discord, app = discord.addApp('usher', options), ann = world.addUser('ann'), bob = world.addUser('bob');
  const guild = world.addGuild('Acme', { members: [ann, bob] }), channel = world.addChannel(guild, 'general'), forum = world.addChannel(guild, 'questions', { type: 15 });
  people.addApp(ann, guild, app);
  return { t, discord, world, people, app, ann, bob, guild, channel, forum, call: caller(discord, app) };
}

// One call without any SDK: {status, headers, body, raw}.
const caller = (discord, app) => async (method, path, body, headers = {}) => {
  const answer = await fetch(discord.api + path, { method, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    headers: { authorization: `Bot ${app.token}`, 'user-agent': agent, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers } });
  const raw = await answer.text();
  return { status: answer.status, headers: answer.headers, raw, body: /json/.test(answer.headers.get('content-type') ?? '') ? JSON.parse(raw) : null };
};

// The two libraries behind one face. packets: every dispatch; errors: what they complained about.
export const faces = {
  'discord.js': ({ discord, app }, { shards = null, ask = intents } = {}) => {
    const client = new discordJs.Client({ intents: ask, partials: [discordJs.Partials.Channel, discordJs.Partials.Message], rest: { api: `${discord.base}/api`, retries: 3 }, allowedMentions: { parse: [] },
      ...(shards && { shards: Array.from({ length: shards }, (_, i) => i), shardCount: shards }), ws: { buildIdentifyThrottler: () => ({ waitForIdentify: async () => {} }) } });
    const face = { client, packets: [], errors: [], interactions: [] };
    client.on('raw', (packet, shard) => face.packets.push({ ...packet, shard }));
    client.on('error', (error) => face.errors.push(error));
    client.on('shardError', (error) => face.errors.push(error));
    client.on('interactionCreate', (interaction) => face.interactions.push(interaction));
    return Object.assign(face, {
      connect: async () => {
        const up = new Promise((resolve) => client.once('clientReady', resolve));
        await client.login(app.token);
        await up;
      },
      close: () => client.destroy(),
      send: async (id, { content, nonce, replyTo, file }) => (await client.channels.fetch(id)).send({ content, ...(nonce && { nonce, enforceNonce: true }), ...(replyTo && { reply: { messageReference: replyTo } }),
        ...(file && { files: [{ attachment: file.bytes, name: file.name }] }) }),
      edit: async (id, message, content) => (await (await client.channels.fetch(id)).messages.fetch(message)).edit({ content }),
      remove: async (id, message) => (await client.channels.fetch(id)).messages.delete(message),
      list: async (id, query) => [...(await (await client.channels.fetch(id)).messages.fetch({ cache: false, ...query })).values()],
      thread: async (id, message, name) => (await (await client.channels.fetch(id)).messages.fetch(message)).startThread({ name }),
      post: async (id, name, content) => (await client.channels.fetch(id)).threads.create({ name, message: { content } }),
      dm: async (user) => (await (await client.users.fetch(user)).createDM()).id,
      react: async (id, message, emoji) => (await (await client.channels.fetch(id)).messages.fetch(message)).react(emoji),
      typing: async (id) => (await client.channels.fetch(id)).sendTyping(),
      commands: (list) => client.application.commands.set(list),
      defer: (interaction, ephemeral = false) => interaction.deferReply(ephemeral ? { flags: 64 } : {}),
      answer: (interaction, content) => interaction.editReply({ content }),
      follow: (interaction, content) => interaction.followUp({ content }),
      attachment: (message) => message.attachments.first(),
    });
  },
  'oceanic.js': ({ discord, app }, { shards = 1, ask = intents, compress = false } = {}) => {
    const client = new oceanic.Client({ auth: `Bot ${app.token}`, rest: { baseURL: discord.api }, allowedMentions: { everyone: false, users: false, roles: false, repliedUser: false },
      gateway: { intents: ask, maxShards: shards, concurrency: app.maxConcurrency, ...(compress && { compress: 'zlib-stream', compressLibrary: 'native' }), override: { timeBetweenShardConnects: 20 } } });
    const face = { client, packets: [], errors: [], interactions: [] }, { channels } = client.rest;
    client.on('packet', (packet, shard) => face.packets.push({ ...packet, shard }));
    client.on('error', (error) => face.errors.push(error));
    client.on('interactionCreate', (interaction) => face.interactions.push(interaction));
    return Object.assign(face, {
      connect: async () => {
        const up = new Promise((resolve) => client.once('ready', resolve));
        await client.connect();
        await up;
      },
      close: () => client.disconnect(false),
      send: (id, { content, nonce, replyTo, file }) => channels.createMessage(id, { content, ...(nonce && { nonce, enforceNonce: true }), ...(replyTo && { messageReference: { messageID: replyTo } }),
        ...(file && { files: [{ contents: file.bytes, name: file.name }] }) }),
      edit: (id, message, content) => channels.editMessage(id, message, { content }),
      remove: (id, message) => channels.deleteMessage(id, message),
      list: (id, query) => channels.getMessages(id, query),
      thread: (id, message, name) => channels.startThreadFromMessage(id, message, { name }),
      post: (id, name, content) => channels.startThreadInThreadOnlyChannel(id, { name, message: { content } }),
      dm: async (user) => (await client.rest.users.createDM(user)).id,
      react: (id, message, emoji) => channels.createReaction(id, message, emoji),
      typing: (id) => channels.sendTyping(id),
      commands: (list) => client.application.bulkEditGlobalCommands(list),
      defer: (interaction, ephemeral = false) => interaction.defer(ephemeral ? 64 : 0),
      answer: (interaction, content) => interaction.editOriginal({ content }),
      follow: (interaction, content) => interaction.createFollowup({ content }),
      attachment: (message) => message.attachments.first(),
    });
  },
};

export async function connected(s, name, options) {
  const face = faces[name](s, options);
  s.t.after(() => face.close());
  await face.connect();
  return face;
}

export const said = (face, t = 'MESSAGE_CREATE') => face.packets.filter((p) => p.t === t).map((p) => p.d);
export const heard = (face, content, seconds = 10) => until(`"${content}" to be heard`, () => said(face).find((d) => d.content.includes(content)), seconds);
export const refused = (code) => (error) => (assert.equal(error.code, code, error.stack), true);

// A gateway connection without any library. frames: what came; closed: the code of its end.
export async function socket(discord, { url = discord.gatewayUrl, query = '/?v=10&encoding=json' } = {}) {
  const ws = new WebSocket(url + query), face = { ws, frames: [], closed: null, send: (op, d) => ws.send(JSON.stringify({ op, d })) };
  ws.on('message', (data, binary) => face.frames.push(binary ? data : JSON.parse(data)));
  ws.on('close', (code) => (face.closed = code));
  ws.on('error', () => {});
  face.got = (what, find) => until(what, () => face.frames.find(find));
  face.ended = () => until('the end of the connection', () => face.closed);
  await until('the connection to be made', () => ws.readyState !== WebSocket.CONNECTING);
  return face;
}

export const properties = { os: 'linux', browser: 'test', device: 'test' };
export async function identified(discord, app, more = {}, options) {
  const face = await socket(discord, options);
  await face.got('HELLO', (f) => f.op === 10);
  face.send(2, { token: app.token, intents, properties, ...more });
  return face;
}
