// The stand-in Discord is as strict as the real one (the sheet's sections stand in brackets): what no library does wrong, by plain
// calls and connections; compression, the signature's test vector, and the account of a run.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import { createInflate, constants } from 'node:zlib';
import * as discordJs from 'discord.js';
import WebSocket from 'ws';
import { keyOf } from '../servers/discord/apps.mjs';
import { msOf } from '../servers/discord/snowflake.mjs';
import { connected, heard, identified, intents, properties, said, socket, stage } from './discord-faces.mjs';
import { until, wait } from './harness.mjs';

const { WebSocketManager } = createRequire(createRequire(import.meta.url).resolve('discord.js'))('@discordjs/ws'); // the one it uses itself
const together = { concurrency: 8 }; // most of the time the libraries wait
const parts = [];
const part = (title, run) => parts.push([title, run]);

part('the gateway without a library', async (suite) => {
  const it = (title, options, run) => suite.test(title, async (t) => run(await stage(t, options)));
  await Promise.all([
    it('compresses the whole stream, also in split frames: oceanic.js reads it (8)', { knobs: { zlibSplit: 700 } }, async (s) => {
      const { people, ann, app, channel } = s, face = await connected(s, 'oceanic.js', { compress: true });
      people.mention(ann, channel, app, `long ${'x'.repeat(1500)} end`);
      for (let i = 0; i < 5; i++) people.mention(ann, channel, app, `word ${i} ${Math.random()}`);
      await heard(face, 'word 4');
      assert.equal(said(face).length, 6);
      assert.deepEqual(face.errors, []);
    }),
    it('ends every message of a compressed stream with 00 00 FF FF, in one context of the connection (8)', {}, async ({ discord, app, people, ann, channel }) => {
      const face = await socket(discord, { query: '/?v=10&encoding=json&compress=zlib-stream' }), inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
      let text = '';
      inflate.on('data', (part) => (text += part));
      face.ws.on('message', (data) => inflate.write(data));
      for (const frame of face.frames) inflate.write(frame); // what came already
      face.send(2, { token: app.token, intents, properties });
      await until('READY', () => text.includes('"READY"') && text.includes('"GUILD_CREATE"'));
      people.mention(ann, channel, app, 'deflated');
      await until('the message', () => text.includes('deflated'));
      assert.ok(face.frames.length >= 4 && face.frames.every((f) => f.subarray(-4).equals(Buffer.from([0, 0, 255, 255]))));
    }),
    it('compresses single messages when IDENTIFY asks for it: discord.js reads them (8)', {}, async (s) => {
      const { people, ann, app, channel, discord, t } = s, rest = new discordJs.REST({ api: `${discord.base}/api`, version: '10' }).setToken(app.token), seen = [];
      const manager = new WebSocketManager({ token: app.token, intents, rest, compression: 'zlib-stream' }); // without zlib-sync it falls back to that
      t.after(() => manager.destroy());
      manager.on('dispatch', ({ data }) => seen.push(data));
      manager.on('error', ({ error }) => seen.push({ error }));
      await manager.connect();
      people.mention(ann, channel, app, 'compressed');
      await until('the message', () => seen.some((e) => e.d?.content?.includes('compressed')));
      assert.deepEqual(seen.filter((e) => e.error), []);
    }),
    it('closes with the code that fits (7)', {}, async ({ discord, app }) => {
      const closes = async (code, act, options) => {
        const face = await socket(discord, options);
        if (act) await act(face);
        assert.equal(await face.ended(), code);
      };
      const ask = (more) => async (face) => face.send(2, { token: app.token, intents, properties, ...more });
      await closes(4012, null, { query: '/?v=9&encoding=json' });
      await closes(4002, null, { query: '/?v=10&encoding=etf' });
      await closes(4001, (f) => f.send(99, null));
      await closes(4002, (f) => f.ws.send('{'));
      await closes(4002, (f) => f.send(1, 'x'.repeat(4097)));
      await closes(4003, (f) => f.send(3, {}));
      await closes(4004, ask({ token: `${app.token}x` }));
      await closes(4010, ask({ shard: [2, 2] }));
      await closes(4013, ask({ intents: 1 << 19 }));
      await closes(4014, ask({ intents: intents | 2 }));
      app.leastShards = 2;
      await closes(4011, ask({ shard: [0, 1] }));
      app.leastShards = 1;
      await closes(4005, async (f) => (await ask({})(f), await f.got('READY', (e) => e.t === 'READY'), ask({})(f)));
      await closes(4007, async (f) => (await ask({})(f), await f.got('READY', (e) => e.t === 'READY'), f.send(1, 1000)));
      discord.knobs.sendsPerWindow = 5;
      await closes(4008, async (f) => { for (let i = 0; i < 6; i++) f.send(1, null); });
    }),
    it('keeps no session of a client that says goodbye, and ends others on demand (6.4, 7)', {}, async ({ discord, app, people, ann, channel }) => {
      const begin = async () => {
        const face = await identified(discord, app), ready = await face.got('READY', (f) => f.t === 'READY');
        await face.got('its guild', (f) => f.t === 'GUILD_CREATE');
        return { face, ready, resume: async (seq, id = ready.d.session_id) => {
          const next = await socket(discord, { url: ready.d.resume_gateway_url });
          await next.got('HELLO', (f) => f.op === 10);
          next.send(6, { token: app.token, session_id: id, seq });
          return next;
        } };
      };
      for (const [code, op9] of [[1000, true], [4200, false]]) {
        const { face, resume } = await begin();
        face.ws.close(code);
        await face.ended();
        const next = await resume(2);
        if (op9) assert.equal((await next.got('op 9', (f) => f.op === 9)).d, false);
        else await next.got('RESUMED', (f) => f.t === 'RESUMED');
      }
      for (const [code, lives] of [[4000, true], [4001, true], [4002, true], [4008, true], [1001, false], [4003, false], [4009, false]]) {
        const { face, resume } = await begin();
        discord.gateway.close(app, code);
        assert.equal(await face.ended(), code);
        people.mention(ann, channel, app, `after ${code}`);
        const next = await resume(2);
        if (!lives) assert.equal((await next.got('op 9', (f) => f.op === 9)).d, false, `after ${code}`);
        else {
          await next.got('RESUMED', (f) => f.t === 'RESUMED');
          assert.deepEqual(next.frames.filter((f) => f.t === 'MESSAGE_CREATE').map((f) => f.s), [3]);
        }
        next.ws.terminate();
      }
      const { resume } = await begin();
      assert.equal(await (await resume(1000)).ended(), 4007);
    }),
    it('lets one IDENTIFY of a bucket through in its time, and a budget of them a day (4, 8)', { knobs: { identifyMs: 600_000 }, app: { identifies: 3 } }, async ({ discord, app, call }) => {
      const before = app.token, first = await identified(discord, app);
      await first.got('READY', (f) => f.t === 'READY');
      const hasty = await identified(discord, app);
      assert.equal((await hasty.got('op 9', (f) => f.op === 9)).d, false);
      const { body } = await call('GET', '/gateway/bot');
      assert.deepEqual([body.session_start_limit.total, body.session_start_limit.remaining, body.session_start_limit.max_concurrency], [3, 1, 1]);
      discord.knobs.identifyMs = 0; // that time goes by
      await (await identified(discord, app)).got('READY', (f) => f.t === 'READY');
      const last = await identified(discord, app);
      assert.deepEqual([await last.ended(), await first.ended(), discord.counts.tokenResets], [4004, 4004, 1]);
      assert.notEqual(app.token, before);
    }),
    it('misbehaves on demand (6)', {}, async ({ discord, app }) => {
      discord.gateway.fault({ at: 'hello', kind: 'reconnect', times: 1 });
      const odd = await socket(discord);
      assert.equal((await odd.got('op 7 for HELLO', (f) => f.op !== 10)).op, 7);
      discord.gateway.fault({ at: 'identify', kind: 'silent', times: 1 });
      const silent = await identified(discord, app);
      silent.send(1, null);
      await wait(50);
      assert.equal(silent.frames.length, 1, 'nothing after HELLO');
      discord.gateway.fault({ at: 'upgrade', kind: 'status', times: 1 });
      assert.equal((await socket(discord)).ws.readyState, WebSocket.CLOSED);
      const fine = await identified(discord, app), ready = await fine.got('READY', (f) => f.t === 'READY');
      discord.gateway.askBeat(app);
      await fine.got('op 1', (f) => f.op === 1);
      discord.gateway.fault({ at: 'resume', kind: 'invalid', times: 1 });
      const next = await socket(discord, { url: discord.resumeUrl });
      next.send(6, { token: app.token, session_id: ready.d.session_id, seq: 1 });
      assert.equal((await next.got('op 9', (f) => f.op === 9)).d, false);
      discord.knobs.fragment = 50;
      const pieces = await identified(discord, app);
      await pieces.got('READY', (f) => f.t === 'READY');
      discord.gateway.down();
      await pieces.ended();
      assert.equal((await socket(discord)).ws.readyState, WebSocket.CLOSED);
      discord.gateway.up();
      await (await socket(discord)).got('HELLO', (f) => f.op === 10);
    }),
  ]);
});

part('the REST API without a library', async (suite) => {
  const it = (title, options, run) => suite.test(title, async (t) => run(await stage(t, options)));
  await Promise.all([
    it('asks for the right headers (12)', {}, async ({ call, discord, app }) => {
      assert.deepEqual((await call('GET', '/users/@me', undefined, { authorization: app.token })).body, { message: '401: Unauthorized', code: 0 });
      assert.equal((await call('GET', '/users/@me', undefined, { 'user-agent': 'curl/8.0' })).body.code, 40333);
      assert.equal((await call('POST', '/users/@me/channels', '{}', { 'content-type': 'text/plain' })).body.code, 50035);
      assert.equal((await call('POST', '/users/@me/channels', '{')).body.code, 50109);
      assert.equal((await call('GET', '/nothing')).status, 404);
      assert.equal((await call('PUT', '/users/@me', {})).status, 405);
      assert.equal(discord.limits.invalid.length, 2, '401 and 403 count');
      const { body } = await call('GET', '/applications/@me');
      assert.deepEqual([body.id, body.verify_key, body.flags], [app.id, app.key.hex, 1 << 19]);
    }),
    it('tells how often it may be asked, and what happens when nobody listens (13)', { limits: { secondMs: 10_000, invalidMost: 4, invalidMs: 60_000 } }, async ({ call, channel, discord }) => {
      const path = `/channels/${channel.id}/messages`, quiet = { allowed_mentions: { parse: [] } };
      const first = await call('POST', path, { content: 'a', ...quiet }), of = (answer, name) => answer.headers.get(`x-ratelimit-${name}`);
      assert.deepEqual([of(first, 'limit'), of(first, 'remaining')], ['5', '4']);
      assert.match(of(first, 'bucket'), /^[0-9a-f]{32}$/);
      assert.match(of(first, 'reset-after'), /^\d+\.\d{3}$/);
      for (let i = 0; i < 4; i++) await call('POST', path, { content: `${i}`, ...quiet });
      const over = await call('POST', path, { content: 'over', ...quiet });
      assert.deepEqual([over.status, over.body.global, of(over, 'scope'), over.headers.has('x-ratelimit-global')], [429, false, 'user', false]);
      assert.ok(over.body.retry_after > 0 && over.body.retry_after < 50.1, 'float seconds');
      assert.equal(channel.list.length, 5);
      discord.fault({ route: 'GET /users/@me', kind: 'limited', scope: 'shared', seconds: 0.3, times: 1 });
      const shared = await call('GET', '/users/@me');
      assert.deepEqual([of(shared, 'scope'), shared.body.retry_after, of(shared, 'reset-after'), discord.limits.invalid.length], ['shared', 0.3, '0.001', 1]);
      discord.fault({ route: 'GET /users/@me', kind: 'cloudflare', seconds: 7, times: 1 });
      const html = await call('GET', '/users/@me');
      assert.deepEqual([html.status, html.body, html.headers.get('retry-after'), html.headers.get('via')], [429, null, '7', null]);
      for (let i = 0; i < 2; i++) await call('GET', '/users/@me', undefined, { authorization: 'Bot wrong' });
      assert.equal((await call('GET', '/users/@me')).body, null, 'the whole address is shut out');
      discord.limits.bannedUntil -= 60_000; // that time goes by
      assert.equal((await call('GET', '/users/@me')).status, 200);
    }),
    it('refuses what may not be done (12, 14, 16)', {}, async ({ call, channel, forum, people, world, ann, guild, app, discord }) => {
      const path = `/channels/${channel.id}/messages`, theirs = people.say(ann, channel, 'mine'), quiet = { allowed_mentions: { parse: [] } };
      const code = async (method, at, body) => (await call(method, at, body)).body.code;
      assert.equal(await code('POST', `/channels/${forum.id}/messages`, { content: 'x' }), 50008);
      assert.equal(await code('PATCH', `${path}/${theirs.id}`, { content: 'x' }), 50005);
      assert.equal(await code('GET', '/channels/1/messages'), 10003);
      assert.equal(await code('GET', `${path}?limit=101`), 50035);
      assert.equal(await code('POST', path, { content: 'x', nonce: 'n'.repeat(26) }), 50035);
      assert.equal(await code('POST', path, { content: 'x', flags: 64 }), 50035);
      assert.equal(await code('POST', path, { content: 'x', allowed_mentions: { parse: ['users'], users: [ann.id] } }), 50035);
      assert.equal(await code('POST', path, { content: 'x', message_reference: { message_id: '12345' } }), 50035);
      assert.equal(await code('POST', path, { content: 'x', message_reference: { message_id: '12345', fail_if_not_exists: false } }), undefined);
      const row = (custom) => ({ type: 1, components: [{ type: 2, style: 1, label: 'x', custom_id: custom }] });
      assert.equal(await code('POST', path, { content: 'x', components: [row('a'), row('a')] }), 50035);
      assert.equal(await code('PUT', `${path}/${theirs.id}/reactions/nonsense/@me`), 10014);
      assert.equal(await code('POST', `${path}/${theirs.id}/threads`, { name: '' }), 50035);
      const loud = (await call('POST', path, { content: `<@${ann.id}> @everyone` })).body, calm = (await call('POST', path, { content: `<@${ann.id}> @everyone`, ...quiet })).body;
      assert.deepEqual([channel.find(loud.id).pings.users, channel.find(calm.id).pings, discord.counts.bareMentions > 0], [[ann.id], { users: [], roles: [], everyone: false }, true]);
      await call('PATCH', `${path}/${calm.id}`, { content: `<@${ann.id}> again` });
      assert.deepEqual(channel.find(calm.id).pings.users, [ann.id], 'an edit falls back to the default');
      await call('POST', path, { content: 'x', no_such_field: 1 });
      assert.deepEqual([...discord.oddities], ['POST /channels/:channel/messages: no_such_field']);
      people.forbid(channel, 'SEND_MESSAGES');
      assert.equal(await code('POST', path, { content: 'x' }), 50013);
      people.forbid(channel, 'READ_MESSAGE_HISTORY');
      assert.deepEqual((await call('GET', path)).body, [], 'an empty list, no error');
      people.forbid(channel, 'VIEW_CHANNEL');
      assert.equal(await code('GET', `/channels/${channel.id}`), 50001);
      people.kick(app, guild);
      assert.equal(await code('GET', `/guilds/${guild.id}`), 50001);
      const link = `https://discord.com/oauth2/authorize?client_id=${app.id}&scope=bot%20applications.commands&permissions=309237763136`;
      people.invite(ann, link, world.addGuild('New', { members: [ann] }));
      assert.equal((await call('GET', '/users/@me/guilds')).body[0].name, 'New');
    }),
    it('loses answers, breaks off and stalls on demand', {}, async ({ call, channel, discord }) => {
      const route = 'POST /channels/:channel/messages', path = `/channels/${channel.id}/messages`, send = (content) => call('POST', path, { content, nonce: content, enforce_nonce: true, allowed_mentions: { parse: [] } });
      for (const kind of ['lose', 'half-after']) {
        discord.fault({ route, kind, times: 1 });
        await assert.rejects(send(kind), undefined, kind);
        assert.equal((await send(kind)).body.content, kind);
      }
      for (const kind of ['status-after', 'html-after']) {
        discord.fault({ route, kind, times: 1 });
        assert.equal((await send(kind)).status, 502);
        assert.equal((await send(kind)).status, 200);
      }
      assert.deepEqual([channel.list.length, discord.counts.repeated, discord.counts.lost], [4, 4, 4]);
      for (const kind of ['cut', 'html', 'status', 'empty', 'error']) {
        discord.fault({ route, kind, times: 1, code: 130000, status: kind === 'error' ? 503 : undefined });
        await send(kind).catch(() => {});
      }
      assert.equal(channel.list.length, 4, 'nothing was done');
    }),
    it('takes lists of commands and keeps the ids of those that stay (11)', {}, async ({ call, app, guild, discord }) => {
      const ask = { name: 'ask', description: 'Ask', options: [{ type: 3, name: 'prompt', description: 'Question', required: true }] }, path = `/applications/${app.id}/commands`;
      const [first] = (await call('PUT', path, [ask])).body, [again, other] = (await call('PUT', path, [ask, { name: 'New words', type: 3 }])).body;
      assert.deepEqual([again.id, other.type, (await call('GET', path)).body.length], [first.id, 3, 2]);
      assert.deepEqual((await call('PUT', `/applications/${app.id}/guilds/${guild.id}/commands`, [ask])).body[0].guild_id, guild.id);
      assert.equal((await call('PUT', path, [{ ...ask, name: 'Not Lower' }])).body.code, 50035);
      assert.deepEqual(discord.puts.map((p) => [p.guild, p.commands.length]), [[null, 1], [null, 2], [guild.id, 1]]);
    }),
  ]);
});

// An endpoint of ours, as the sheet wants it: signature first, then PING, then what `answer` says.
async function endpoint(t, publicKey, answer) {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'hex').toString('base64url') }, format: 'jwk' }), seen = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const raw = Buffer.concat(parts), signature = Buffer.from(request.headers['x-signature-ed25519'] ?? '', 'hex'), stamp = request.headers['x-signature-timestamp'] ?? '';
    if (signature.length !== 64 || !verify(null, Buffer.concat([Buffer.from(stamp), raw]), key, signature)) return response.writeHead(401).end();
    const value = JSON.parse(raw);
    seen.push(value);
    const reply = await answer(value);
    return reply === undefined ? response.writeHead(204, { 'content-type': 'text/plain' }).end() : response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' }).end(reply.status ? '' : JSON.stringify(reply));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { url: `http://127.0.0.1:${server.address().port}/`, seen };
}

part('interactions and events over HTTP', async (suite) => {
  const it = (title, options, run) => suite.test(title, async (t) => run(await stage(t, options)));
  await Promise.all([
    it('signs as the test vector of the sheet says (10.2)', {}, async ({ discord }) => {
      const app = discord.addApp('vector', { seed: Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex') });
      const signed = app.signed('{"application_id":"1","id":"2","token":"t","type":1,"version":1}', { at: 1700000000 });
      assert.equal(app.key.hex, 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
      assert.equal(signed['x-signature-ed25519'], '20ee28941c7c4e7501a06eaa0bdd033f1ede4e6ed5bf39e860b98bb70ad6ad058075d7541f3eeedbf7efa78a81fdfa612b0edfc870251f7ea25d2cf2540d5f02');
      assert.notEqual(keyOf().hex, keyOf().hex);
    }),
    it('delivers, takes the answer of the response, and follow-ups until the token ends (10.3)', {}, async ({ t, discord, app, people, ann, channel, call }) => {
      let reply = { type: 5, data: { flags: 64 } };
      const { url, seen } = await endpoint(t, app.key.hex, (i) => (i.type === 1 ? { type: 1 } : reply));
      assert.equal(await discord.interactions.checkUrl(app, 'https://bot.test/x'), 'PING was answered with 0 ');
      discord.resolve.set('https://bot.test/x', url);
      assert.equal(await discord.interactions.checkUrl(app, 'https://bot.test/x'), null);
      app.interactionsUrl = 'https://bot.test/x';
      const asked = people.command(ann, channel, app, 'ask', { prompt: 'why?' }, { forced: true });
      await until('the response', () => asked.response === 5);
      assert.deepEqual([asked.whispered, seen.at(-1).member.user.id, seen.at(-1).data.options[0].value], [true, ann.id, 'why?']);
      const hook = `/webhooks/${app.id}/${asked.token}`, none = { authorization: '' };
      assert.equal((await call('PATCH', `${hook}/messages/@original`, { content: 'because', allowed_mentions: { parse: [] } }, none)).status, 200);
      assert.equal((await call('POST', hook, { content: 'more', flags: 64, allowed_mentions: { parse: [] } }, none)).status, 200);
      assert.deepEqual(asked.texts, ['because', 'more']);
      assert.equal((await call('POST', `/interactions/${asked.id}/${asked.token}/callback`, { type: 5 }, none)).body.code, 40060);
      reply = { status: 202 };
      const later = people.command(ann, channel, app, 'ask', {}, { forced: true });
      await until('202', () => later.status === 202);
      assert.equal((await call('POST', `/interactions/${later.id}/${later.token}/callback`, { type: 4, data: { content: 'here', allowed_mentions: { parse: [] } } }, none)).status, 204);
      assert.equal(later.answer, 'here');
      discord.knobs.interactionMs = 50;
      const late = people.command(ann, channel, app, 'ask', {}, { forced: true });
      await until('its end', () => late.failed && !late.alive);
      assert.equal((await call('POST', `/interactions/${late.id}/${late.token}/callback`, { type: 5 }, none)).body.code, 10062);
      asked.made -= discord.knobs.tokenMs; // that time goes by
      const { status, body } = await call('PATCH', `${hook}/messages/@original`, { content: 'x', allowed_mentions: { parse: [] } }, none);
      assert.deepEqual([status, body.code], [401, 50027]);
      assert.equal((await call('PATCH', `/webhooks/${app.id}/nonsense/messages/@original`, {}, none)).body.code, 10015);
    }),
    it('answers buttons, and five times only where it is not installed (10, 16)', {}, async ({ discord, app, people, ann, world, channel, call }) => {
      const quiet = { allowed_mentions: { parse: [] } }, row = { type: 1, components: [{ type: 2, style: 2, label: 'Stop', custom_id: 'stop' }] };
      const { body } = await call('POST', `/channels/${channel.id}/messages`, { content: 'working', components: [row], ...quiet }), message = channel.find(body.id);
      assert.throws(() => people.press(ann, message, 'go'), /no button/);
      const pressed = people.press(ann, message, 'stop');
      assert.equal((await call('POST', `/interactions/${pressed.id}/${pressed.token}/callback`, { type: 7, data: { content: 'stopped', components: [], ...quiet } })).status, 204);
      assert.deepEqual([message.content, message.components], ['stopped', []]);
      const foreign = world.addChannel(world.addGuild('Foreign', { members: [ann] }), 'talk'), asked = people.command(ann, foreign, app, 'ask', {}, { forced: true, installed: 'user' });
      await call('POST', `/interactions/${asked.id}/${asked.token}/callback`, { type: 4, data: { content: '1', ...quiet } });
      for (let i = 0; i < 5; i++) assert.equal((await call('POST', `/webhooks/${app.id}/${asked.token}`, { content: `${i}`, ...quiet })).status, 200);
      assert.equal((await call('POST', `/webhooks/${app.id}/${asked.token}`, { content: 'six', ...quiet })).body.code, 40094);
      assert.equal((await call('POST', `/channels/${foreign.id}/messages`, { content: 'x', ...quiet })).body.code, 50001);
      assert.equal(discord.counts.unanswered, 0);
    }),
    it('sends events until they are taken (3.1)', { knobs: { eventRetryMs: 5 } }, async ({ t, discord, app, people, ann, world }) => {
      let failing = 2;
      const { url, seen } = await endpoint(t, app.key.hex, (e) => (e.type === 1 && failing-- > 0 ? { status: 503 } : undefined));
      assert.equal(await discord.interactions.checkEventsUrl(app, url), null);
      app.eventsUrl = url;
      const guild = world.addGuild('Elsewhere', { members: [ann] });
      people.addApp(ann, guild, app);
      await until('the event', () => seen.filter((e) => e.type === 1).length === 3);
      const { event } = seen.at(-1);
      assert.deepEqual([event.type, event.data.user.id, event.data.guild.id, event.data.integration_type], ['APPLICATION_AUTHORIZED', ann.id, guild.id, 0]);
      await people.deauthorize(ann, app);
      assert.equal(seen.at(-1).event.type, 'APPLICATION_DEAUTHORIZED');
    }),
  ]);
});

test('the tally finds what is lost, said twice or in the wrong place', async (t) => {
  const { discord, people, ann, app, channel, world } = await stage(t), say = (where, content) => world.post(where, { author: app.user, app, content });
  for (const id of ['a', 'b', 'c', 'd', 'e']) people.mention(ann, channel, app, `[#${id}]`, { wants: id });
  say(channel, 'to [#b]');
  say(channel, 'to [#a]');
  say(channel, 'to [#a]');
  say(world.dm(app.user, ann), 'to [#c]');
  const asked = discord.tally.expected.get('d');
  say(people.threadFrom(ann, asked), 'to [#d]');
  say(channel, 'growing [#e] …');
  const { lost, twice, misplaced, disorder, copies, strays, answered } = discord.tally.report();
  assert.deepEqual([lost, twice, misplaced, disorder.length, copies.length, strays.length, answered], [['e'], ['a'], ['c'], 1, 1, 1, 4]);
  assert.ok(Math.abs(msOf(asked.id) - Date.now()) < 5000, 'ids tell the time');
});

test('the stand-in Discord without a library', together, (t) => Promise.all(parts.map(([title, run]) => t.test(title, together, run))));
