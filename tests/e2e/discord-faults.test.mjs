// A Discord that limits, loses answers and breaks connections, and a usher that is killed: nothing is lost and nothing is said twice.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { clean, longDay, stage } from './discord-kit.mjs';
import { sql } from '../campaign/scenarios.mjs';
import { until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

const create = 'POST /channels/:channel/messages';

// How far it came is written now and then: until what was sent so far is.
function written(s) {
  const { seq } = s.live[0];
  return until('its place to be written', () => Number(sql(s.daemon.dir, "SELECT json_extract(text, '$.seq') FROM plugin_texts WHERE platform = 'discord' AND name = 'shard/0'")) >= seq);
}

test('429: the wait is kept, and the order too', async (t) => {
  const s = await stage(t, model, { own: { preview: false }, modelName: 'ids' }), { people, ann, app } = s;
  s.discord.fault({ route: create, kind: 'limited', seconds: 1, times: 3 });
  for (let i = 0; i < 6; i++) people.tell(ann, app, `line [#n${i}]`, { wants: `n${i}` });
  await until('all answers', () => s.discord.tally.open.length === 0, 40);
  clean(await s.settled());
});

test('answers that are lost: the nonce brings the same message, nothing is said twice', async (t) => {
  const s = await stage(t, model, { own: { preview: false }, modelName: 'ids' }), { people, ann, app } = s;
  for (const kind of ['lose', 'status-after', 'html-after', 'half-after']) {
    s.discord.fault({ route: create, kind, status: 502, times: 1 });
    people.tell(ann, app, `what about ${kind} [#${kind}]?`, { wants: kind });
    await until(`the answer after ${kind}`, () => s.discord.tally.open.length === 0, 40);
  }
  await until('the end of all sends', async () => (await s.daemon.json('status')).core.sending === 0, 40);
  clean(await s.settled());
  assert.ok(s.discord.counts.lost >= 1, 'answers were lost');
});

test('killed again and again: it resumes, and every message is answered once', async (t) => {
  const s = await stage(t, model, { modelName: 'ids-100' }), { people, ann, bob, app, channel } = s;
  for (let i = 0; i < 4; i++) {
    for (let n = 0; n < 5; n++) {
      people.tell(ann, app, `line [#a${i}.${n}]`, { wants: `a${i}.${n}` });
      people.mention(bob, channel, app, `line [#b${i}.${n}]`, { wants: `b${i}.${n}` });
      await wait(60);
    }
    await written(s);
    await s.daemon.kill();
    people.tell(ann, app, `while it is down [#down${i}]`, { wants: `down${i}` });
    await s.up();
  }
  await until('all answers', () => s.discord.tally.open.length === 0, 60);
  clean(await s.settled({ killed: true, strays: 8 }));
  assert.ok(s.discord.counts.resumed >= 1, 'sessions were resumed');
  assert.ok(s.discord.counts.identifies <= 5, `${s.discord.counts.identifies} IDENTIFYs`);
});

// The clock can't be turned: what is remembered, and the ids of what is said meanwhile, are set back instead.
test('down for ten minutes with 50 messages in 5 channels: all are answered once, in order', async (t) => {
  const s = await stage(t, model, { modelName: 'ids' }), { people, ann, app, discord, daemon } = s, minute = 60_000, now = Date.now();
  const channels = Array.from({ length: 5 }, (_, i) => discord.world.addChannel(s.guild, `room-${i}`));
  await s.answer(people.tell(ann, app, 'a word before the night'));
  await written(s);
  await daemon.kill();
  discord.gateway.forget(app);
  s.guild.joined.set(app.id, new Date(now - 24 * 60 * minute).toISOString());
  const seen = String(BigInt(now - 10 * minute - 1_420_070_400_000) << 22n);
  sql(daemon.dir, `UPDATE plugin_texts SET text = json_set(text, '$.seen', '${seen}') WHERE platform = 'discord' AND name = 'shard/0'`);
  people.mention(ann, channels[1], app, 'this was said and seen before', { at: now - 11 * minute });
  for (let i = 0; i < 50; i++) people.mention(ann, channels[i % 5], app, `line [#m${i}]`, { wants: `m${i}`, at: now - 10 * minute + (i + 1) * 10_000 });
  people.say(ann, channels[0], 'nobody asked the bot this', { at: now - 2 * minute });
  await s.up();
  people.mention(ann, channels[0], app, 'line [#live]', { wants: 'live' }); // behind what was missed there
  await until('all answers', () => discord.tally.open.length === 0, 60);
  const report = await s.settled({ killed: true });
  clean(report);
  assert.equal(report.answered, 51);
  assert.equal(s.asked('nobody asked the bot').length + s.asked('said and seen before').length, 0);
  assert.equal(discord.counts.resumed, 0, 'the session was lost');
  assert.equal(discord.counts.identifies, 2);
});

test('a day with kills, cuts, invalid sessions, lost answers and limits', async (t) => {
  const s = await stage(t, model, { modelName: 'ids-20', discord: { seed: 7, chaos: { lose: 0.03, limited: 0.03, status: 0.02, cut: 0.02 } } });
  const { report, killed, troubles } = await longDay(s, { talkers: 8, lines: 6, kills: 3, pauseMs: 2500, troubleMs: 4000, seconds: 100 });
  clean(report);
  assert.equal(report.answered, 48);
  assert.equal(killed, 3);
  assert.ok(s.discord.counts.identifies <= 4 + troubles, `${s.discord.counts.identifies} IDENTIFYs after ${troubles} troubles`);
});

test('two shards: trouble of one is not felt by the other', async (t) => {
  const s = await stage(t, model, { modelName: 'ids', app: { shards: 2 } }), { people, ann, app, discord } = s, { world } = discord;
  await until('both shards', () => s.live.length === 2, 30);
  const shardOf = (guild) => Number((BigInt(guild.id) >> 22n) % 2n);
  const rooms = [0, 1].map((shard) => {
    const guild = world.addGuild(`Guild of ${shard}`, { members: [ann], shard, shards: 2 });
    people.addApp(ann, guild, app);
    assert.equal(shardOf(guild), shard);
    return world.addChannel(guild, 'room');
  });
  for (const [i, room] of rooms.entries()) people.mention(ann, room, app, `line [#s${i}]`, { wants: `s${i}` });
  await until('both answers', () => discord.tally.open.length === 0, 30);
  const before = discord.counts.ready + discord.counts.resumed;
  discord.gateway.cut(app, 1);
  people.mention(ann, rooms[0], app, 'line [#during]', { wants: 'during' });
  people.mention(ann, rooms[1], app, 'line [#after]', { wants: 'after' });
  await until('the answers', () => discord.tally.open.length === 0, 30);
  assert.equal(discord.counts.ready + discord.counts.resumed, before + 1, 'only that one connected again');
  clean(await s.settled());
});

test('a new bot answers nothing that was said before it came', async (t) => {
  const s = await stage(t, model, { start: false });
  s.people.mention(s.ann, s.channel, s.app, 'an old question of last week', { at: Date.now() - 3_600_000 });
  await s.up();
  await s.answer(s.people.mention(s.ann, s.channel, s.app, 'a new question'));
  await s.settled();
  assert.equal(s.asked('old question').length, 0);
});

test('reconnects, invalid sessions and cuts: no storm of IDENTIFYs', async (t) => {
  const s = await stage(t, model, { modelName: 'ids' }), { people, ann, app, discord } = s, { gateway } = discord;
  const kinds = [() => gateway.reconnect(app), () => gateway.cut(app), () => gateway.invalid(app, true), () => gateway.close(app, 4009)];
  for (const [i, kind] of kinds.entries()) {
    people.tell(ann, app, `line [#k${i}]`, { wants: `k${i}` });
    kind();
    await until(`a connection after ${i}`, () => s.live.length > 0, 90);
  }
  await until('all answers', () => discord.tally.open.length === 0, 150);
  clean(await s.settled({ strays: 2 }));
  assert.ok(discord.counts.identifies <= 5, `${discord.counts.identifies} IDENTIFYs`);
});

for (const [code, pattern] of [[4004, /token/], [4014, /Message Content Intent/]]) {
  test(`close code ${code}: it stops, and says why in the status`, async (t) => {
    const s = await stage(t, model), { app, discord } = s;
    const end = discord.gateway.fault({ at: 'identify', kind: 'close', code });
    const before = discord.counts.identifies;
    discord.gateway.forget(app);
    const status = await until('the link to say why', async () => {
      const text = JSON.stringify(await s.daemon.json('status'));
      return pattern.test(text) && text;
    }, 40);
    assert.match(status, /"link":"down"/);
    assert.match(status, new RegExp(`https://discord.com/developers/applications/${app.id}/bot`));
    await wait(1500);
    assert.equal(discord.counts.identifies, before + 1, 'no further attempt');
    end();
  });
}

test('a token that is reset while it runs', async (t) => {
  const s = await stage(t, model), { app } = s;
  app.renew();
  s.daemon.secrets.add(app.token);
  s.discord.gateway.forget(app);
  await until('the link to be down', async () => /developers\/applications/.test(JSON.stringify(await s.daemon.json('status'))), 30);
});
