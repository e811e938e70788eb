// What goes wrong between usher and Slack, and what must hold all the same: none lost, none answered twice, in order.
import test from 'node:test';
import assert from 'node:assert/strict';
import { slackEndurance } from '../campaign/slack.mjs';
import { ModelServer } from '../servers/model.mjs';
import { seeded } from '../servers/slack/world.mjs';
import { signed } from '../servers/slack/deliver.mjs';
import { stage, taken } from './slack-kit.mjs';
import { until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

const clean = (report) => assert.deepEqual({ ...report, expected: 0, answered: 0 }, { expected: 0, answered: 0, lost: [], twice: [], misplaced: [], disorder: [], leftovers: [], copies: [] });

// Everybody asks, each in a channel of their own so that the pace of a channel does not matter; resolves when all is answered.
async function ask(s, count, { seconds = 60, from = 0 } = {}) {
  const { world } = s.slack;
  for (let i = from; i < from + count; i++) {
    const channel = world.addChannel(s.team, `room-${i}`, { members: [s.ann, s.bot.bot] });
    s.people.say(s.ann, channel, s.mention(`question number [#${i}]`), { wants: String(i) });
  }
  await until('all answers', () => s.slack.tally.open.length === 0, seconds).catch((e) => { throw new Error(`${e.message}: ${s.slack.tally.open}`); });
  await s.settled();
  return s.slack.tally.report();
}

for (const transport of ['socket', 'http'])
  test(`${transport}: deliveries that come again, and duplicates that do not say so`, async (t) => {
    const s = await stage(t, model, { transport, modelName: 'ids', slack: { knobs: { phantoms: 0.5, retries: [20, 200, 1000] } } });
    clean(await ask(s, 20));
    const { world } = s.slack;
    const envelope = s.app.envelope(s.bot, world.eventOf([...s.slack.tally.expected.values()][3]), [...s.slack.tally.expected.values()][3].channel);
    for (let i = 0; i < 3; i++) await s.slack.deliveries.once(s.app, envelope, i, 'http_timeout'); // another event of the same message
    await s.settled();
    clean(s.slack.tally.report());
    assert.ok(s.slack.counts.phantoms > 0);
  });

test('connections are moved every second, and nothing falls into the gap', async (t) => {
  const s = await stage(t, model, { modelName: 'ids', slack: { knobs: { refreshMs: 700, warningMs: 1500, patient: true, retries: Array(60).fill(2000) } } });
  for (let i = 0; i < 40; i++) {
    const channel = s.slack.world.addChannel(s.team, `c-${i}`, { members: [s.ann, s.bot.bot] });
    s.people.say(s.ann, channel, s.mention(`question [#${i}]`), { wants: String(i) });
    await wait(100);
  }
  await until('all answers', () => s.slack.tally.open.length === 0, 30);
  await s.settled();
  clean(s.slack.tally.report());
  assert.ok(s.slack.counts.refreshes >= 3, String(s.slack.counts.refreshes));
  assert.ok(s.slack.sockets.most <= 6, `${s.slack.sockets.most} connections at once`);
  const gaps = s.slack.deliveries.list.flatMap((d) => d.attempts).filter((a) => a.reason === 'no_connection').length;
  assert.equal(gaps, 0, 'each delivery found a connection');
});

test('connections that die silently are noticed and replaced', async (t) => {
  const s = await stage(t, model, { modelName: 'ids', slack: { knobs: { retries: [20, 500, 1000, 2000, 4000] } } });
  clean(await ask(s, 2));
  for (const knob of ['neverClose', 'neverPong']) {
    s.slack.knobs[knob] = true;
    const [old] = s.slack.sockets.of(s.app);
    old.refresh('warning');
    await until('the new connection', () => s.slack.sockets.of(s.app).some((c) => c !== old && c.greeted), 40);
    if (knob === 'neverClose') await until('the old one to be given up', () => old.closed, 40);
    s.slack.knobs[knob] = false;
  }
  s.slack.sockets.of(s.app).forEach((c) => c.cut());
  await until('another connection', () => s.slack.sockets.of(s.app).some((c) => c.greeted), 40);
  clean(await ask(s, 2, { from: 10 }));
  assert.ok(s.slack.sockets.most <= 4);
});

test('answers of Slack that are lost: the thread is read back, nothing is said twice', async (t) => {
  const s = await stage(t, model, { modelName: 'ids', own: { stream: false } });
  s.slack.fault({ method: 'chat.postMessage', kind: 'lose', times: 3 });
  s.slack.fault({ method: 'chat.postMessage', kind: 'status-after', times: 3, p: 0.5 });
  s.slack.fault({ method: 'chat.postMessage', kind: 'error-after', times: 2, p: 0.5 });
  s.slack.fault({ method: 'chat.postMessage', kind: 'cut', times: 3, p: 0.5 });
  s.slack.fault({ method: 'chat.postMessage', kind: 'html', times: 2, p: 0.5 });
  clean(await ask(s, 20, { seconds: 90 }));
  assert.ok(s.slack.counts.lost >= 6, String(s.slack.counts.lost));
});

test('429: the wait is kept, and the order of a thread too', async (t) => {
  const s = await stage(t, model, { modelName: 'ids' });
  s.slack.fault({ method: 'chat.postMessage', kind: 'limited', seconds: 1, p: 0.4, times: 10 });
  s.slack.fault({ method: /^(users|conversations|agents|assistant)\./, kind: 'limited', seconds: 1, p: 0.3, times: 10 });
  const root = s.people.say(s.ann, s.channel, s.mention('question [#a0]'), { wants: 'a0' });
  for (let i = 1; i < 6; i++) {
    await until('the one before to be taken', () => [...s.slack.tally.expected.values()].every((m) => m.deliveries.some((d) => d.state === 'acked')));
    s.people.say(s.ann, s.channel, `question [#a${i}]`, { thread: root, wants: `a${i}` });
  }
  clean(await ask(s, 8));
  assert.ok(s.slack.counts.limited > 3);
});

test('blocks that are refused: the words arrive without them', async (t) => {
  const s = await stage(t, model, { modelName: 'ids' });
  s.slack.fault({ method: 'chat.postMessage', kind: 'error', error: 'invalid_blocks', times: 2, when: (args) => args.blocks });
  const report = await ask(s, 3);
  clean(report);
  const bare = [...s.slack.tally.expected.values()].map((m) => s.answers(m.channel, m.ts)[0]).filter((m) => !m.blocks);
  assert.ok(bare.length >= 1);
});

test('a stream that Slack has ended is replaced by the whole answer', async (t) => {
  const s = await stage(t, model, { modelName: 'drip-120', slack: { knobs: { streamMs: 1200 } } });
  s.slack.fault({ method: 'chat.appendStream', kind: 'lose', times: 1 });
  const words = 'word after word after word, '.repeat(20);
  const said = s.people.say(s.ann, s.channel, s.mention(words));
  const answer = await s.answer(said, 1, 60);
  assert.ok(answer.text.includes(words.trim()), answer.text);
  assert.equal(s.channel.replies(said.ts).length, 1);
  await s.settled();
});

test('the token is revoked: nothing more is called with it, and doctor says so', async (t) => {
  const s = await stage(t, model, { modelName: 'ids' });
  clean(await ask(s, 1));
  s.bot.revoke('token_revoked');
  s.people.say(s.ann, s.channel, s.mention('is anybody there?'));
  await until('the daemon to notice', async () => s.daemon.lines.some((l) => /token/.test(l) && /"level":"(warn|error)/.test(l)), 20);
  const before = s.slack.api.calls.length;
  for (let i = 0; i < 5; i++) s.people.say(s.ann, s.channel, s.mention(`hello ${i}`));
  await wait(500);
  const used = s.slack.api.calls.slice(before).filter((c) => c.tokenUsed === s.bot.tokens[0].token);
  assert.ok(used.length <= 1, `called with a dead token: ${used.map((c) => c.method)}`);
});

// Slack switches off the events of an app that takes less than 95 % of them.
test('http: what comes for an app that is switched off or was taken out is taken, not asked for again', async (t) => {
  const s = await stage(t, model, { transport: 'http', modelName: 'ids', slack: { knobs: { retries: [50] } } });
  const { deliveries } = s.slack;
  const off = (how) => s.daemon.cli('installation', how, 'acme').then(({ status }) => assert.equal(status, 0));
  const say = async (text) => {
    const message = s.people.tell(s.ann, s.bot, text);
    await until('its delivery', () => message.deliveries.length > 0 && message.deliveries.every((d) => d.state !== 'pending'));
    assert.deepEqual(message.deliveries.map((d) => [d.state, d.attempts.length]), [['acked', 1]], text);
    return message;
  };
  clean(await ask(s, 1));
  await off('disable');
  const unheard = await say('is anybody there?');
  const command = await taken(() => s.people.command(s.ann, s.bot, s.channel, '/usher', 'help'));
  assert.equal(command.status, 200);
  const stored = await s.daemon.json('explain', '2');
  assert.deepEqual([stored.message.state, stored.message.reason, stored.message.text], ['ignored', 'installation disabled', '']);
  await s.daemon.stop();
  const calls = s.slack.api.calls.length;
  await s.daemon.start(); // nobody asks who we are
  s.app.eventsUrl = s.eventsUrl;
  await say('and after a restart?');
  assert.equal(s.slack.api.calls.length, calls);
  await off('enable');
  await s.answer(s.people.tell(s.ann, s.bot, 'question [#now]'));
  assert.equal(s.answers(unheard.channel, unheard.ts).length, 0);

  const late = s.app.envelope(s.bot, s.slack.world.eventOf(s.people.say(s.ann, s.channel, 'between people')), s.channel);
  await s.settled();
  await s.slack.uninstall(s.bot);
  await until('it to be taken out', async () => (await s.daemon.json('installation', 'list')).some((r) => r.name === 'acme' && r.removed_at));
  const { event, ...rest } = late;
  const again = (n) => deliveries.once(s.app, { ...rest, event_id: `EvLate${n}`, event: { ...event, channel_type: 'im', channel: unheard.channel.id, ts: `1700000000.00000${n}` } }, 0);
  for (let n = 1; n < 4; n++) await taken(() => again(n));
});

for (const transport of ['socket', 'http'])
  test(`${transport}: what was missed while it was down is answered when it is back, old things are not`, async (t) => {
    const s = await stage(t, model, { transport, modelName: 'ids', slack: { knobs: { retries: [] } } });
    const root = s.people.say(s.ann, s.channel, s.mention('question [#r]'), { wants: 'r' });
    const private1 = s.people.tell(s.ann, s.bot, 'question [#p]', { wants: 'p' });
    await until('both answers', () => s.slack.tally.open.length === 0);
    await s.settled();
    await s.daemon.stop();
    await until('the connection to be gone', () => s.slack.sockets.of(s.app).length === 0);
    s.people.say(s.bob, s.channel, 'something between people');
    s.people.say(s.ann, s.channel, s.mention('missed [#m1]'), { wants: 'm1' });
    s.people.say(s.ann, s.channel, 'missed in the thread [#m2]', { thread: root, wants: 'm2' });
    s.people.tell(s.ann, s.bot, 'missed in private [#m3]', { wants: 'm3' });
    s.people.say(s.ann, private1.channel, 'missed in the private thread [#m4]', { thread: private1, wants: 'm4' });
    await until('the deliveries to be given up', () => s.slack.deliveries.running === 0);
    await s.up();
    await until('all answers', () => s.slack.tally.open.length === 0, 60).catch((e) => { throw new Error(`${e.message}: ${s.slack.tally.open}`); });
    await s.settled();
    await wait(500);
    clean(s.slack.tally.report());
    assert.equal(s.asked('between people').length, 0);
    assert.match(JSON.stringify(s.asked('missed [#m1]')[0].messages), /late|missed|while|away/i, 'the model is told that it is late');
  });

const givenUp = (message) => message.deliveries.length > 0 && message.deliveries.every((d) => d.state === 'given up');

// A delivery that failed is repeated later, and overtaken by what was done to its message meanwhile.
test('http: a deletion or an edit that comes before its message', async (t) => {
  const s = await stage(t, model, { transport: 'http', modelName: 'ids' });
  const late = async (text, change) => {
    s.slack.knobs.retries = [];
    s.app.eventsUrl = 'http://127.0.0.1:1/';
    const message = s.people.say(s.ann, s.channel, s.mention(text));
    const envelope = s.app.envelope(s.bot, s.slack.world.eventOf(message), s.channel);
    await until('its delivery to fail', () => givenUp(message));
    s.app.eventsUrl = s.eventsUrl;
    s.slack.knobs.retries = Array(50).fill(200);
    const before = s.slack.deliveries.list.length;
    change(message);
    await until('the change to be taken', () => s.slack.deliveries.list.slice(before).some((d) => d.state === 'acked'));
    await s.settled();
    assert.equal((await s.slack.deliveries.once(s.app, envelope, 1, 'connection_failed')).status, 200);
    return message;
  };
  const gone = await late('my secret is [#s1]', (m) => s.people.remove(m));
  const edited = await late('question [#old]', (m) => s.people.edit(m, s.mention('question [#new]')));
  assert.match((await s.answer(edited)).text, /#new/);
  await s.settled();
  assert.equal(s.answers(s.channel, gone.ts).length, 0);
  assert.deepEqual([s.asked('#s1').length, s.asked('#old').length], [0, 0]);
  const rows = await Promise.all(['1', '2', '3', '4'].map((id) => s.daemon.json('explain', id)));
  assert.ok(rows.some(({ message }) => message.kind === 'said' && message.state === 'ignored' && message.reason === 'deleted' && message.text === ''));
});

// Over HTTP no connection breaks: that a delivery says that it failed before is all there is to see of an outage.
test('http: what was missed in an outage of the network is answered, without a restart', async (t) => {
  const s = await stage(t, model, { transport: 'http', modelName: 'ids', slack: { knobs: { retries: [] } } });
  const root = s.people.say(s.ann, s.channel, s.mention('question [#r]'), { wants: 'r' });
  await until('the answer', () => s.slack.tally.open.length === 0);
  await s.settled();
  s.app.eventsUrl = 'http://127.0.0.1:1/';
  const missed = [s.people.say(s.ann, s.channel, s.mention('missed [#m1]'), { wants: 'm1' }),
    s.people.say(s.ann, s.channel, 'missed in the thread [#m2]', { thread: root, wants: 'm2' })];
  await until('the deliveries to be given up', () => missed.every(givenUp));
  s.slack.knobs.retries = [100, 500];
  const last = s.people.say(s.ann, s.channel, s.mention('while it comes back [#m3]'), { wants: 'm3' });
  await until('its delivery to fail', () => last.deliveries.length > 0 && last.deliveries.every((d) => d.attempts.length > 0));
  s.app.eventsUrl = s.eventsUrl;
  await until('all answers', () => s.slack.tally.open.length === 0, 60).catch((e) => { throw new Error(`${e.message}: ${s.slack.tally.open}`); });
  await s.settled();
  clean(s.slack.tally.report());
});

for (const transport of ['socket', 'http'])
  test(`${transport}: a token that was refused wrongly is looked at again, and the workspace lives on`, async (t) => {
    const s = await stage(t, model, { transport, modelName: 'ids', slack: { knobs: { retries: Array(200).fill(300) } } });
    clean(await ask(s, 1));
    for (const each of s.bot.tokens) each.revoked = 'invalid_auth';
    await s.daemon.cli('doctor'); // asks with it
    await until('the daemon to notice', () => s.daemon.lines.some((l) => /refuses the token/.test(l)));
    assert.match(JSON.stringify(await s.daemon.json('status')), /tried again every 10 minutes/);
    s.people.say(s.ann, s.channel, s.mention('is anybody there? [#d1]'), { wants: 'd1' });
    for (const each of s.bot.tokens) each.revoked = null;
    const { eventsUrl } = s.app;
    Object.assign(s.app, eventsUrl && { eventsUrl: 'http://127.0.0.1:1/' }); // what comes while it is switched off is taken and left
    s.slack.knobs.deaf = true;
    for (const how of ['disable', 'enable']) await s.daemon.cli('installation', how, 'acme'); // instead of waiting for a minute
    s.app.eventsUrl = eventsUrl;
    s.slack.knobs.deaf = false;
    await until('the answer', () => s.slack.tally.open.length === 0, 30);
    clean(await ask(s, 2, { from: 10 }));
  });

test('a first start answers nothing that was said before', async (t) => {
  const s = await stage(t, model, { modelName: 'ids', start: false });
  const before = s.people.say(s.ann, s.channel, s.mention('said before it was there [#0]'));
  s.people.tell(s.ann, s.bot, 'also in private [#1]');
  await until('the deliveries to fail', () => s.slack.deliveries.list.every((d) => d.attempts.length > 0));
  await s.slack.pause(100);
  s.slack.deliveries.list.forEach((d) => (d.state = 'given up'));
  s.slack.knobs.retries = [];
  await s.up();
  await s.answer(s.people.say(s.ann, s.channel, s.mention('said now [#2]')));
  await wait(1000);
  assert.equal(s.answers(s.channel, before.ts).length, 0);
});

test('1,000 mutated events over HTTP: never a crash, never a 500, and the next good one is answered', async (t) => {
  const s = await stage(t, model, { transport: 'http', modelName: 'ids' });
  const random = seeded(7);
  const said = s.people.say(s.ann, s.channel, s.mention('question [#g]'), { wants: 'g' });
  await until('the answer', () => s.slack.tally.open.length === 0);
  const inner = s.slack.world.eventOf(said);
  const originals = [
    ['application/json', JSON.stringify(s.app.envelope(s.bot, { ...inner, ts: '1700000000.000001', text: 'x' }, s.channel))],
    ['application/json', JSON.stringify(s.app.envelope(s.bot, { ...inner, type: 'app_mention', ts: '1700000000.000002', text: s.mention('y') }, s.channel))],
    ['application/json', JSON.stringify({ ...s.app.envelope(s.bot, { type: 'tokens_revoked', tokens: { oauth: ['U1'], bot: ['U2'] } }, null), team_id: 'T0', context_team_id: 'T0', authorizations: [] })], // of nobody we know: genuine ones end the work
    ['application/json', JSON.stringify({ token: 'x', challenge: 'c', type: 'url_verification' })],
    ['application/json', JSON.stringify({ token: 'x', type: 'app_rate_limited', team_id: s.team.id, minute_rate_limited: 1, api_app_id: s.app.id })],
    ['application/x-www-form-urlencoded', new URLSearchParams({ command: '/usher', text: 'help', team_id: s.team.id, user_id: s.ann.id, channel_id: s.channel.id, trigger_id: '1.2.a', response_url: `${s.slack.base}/commands/T/x`, api_app_id: s.app.id }).toString()],
    ['application/x-www-form-urlencoded', new URLSearchParams({ payload: JSON.stringify({ type: 'block_actions', team: { id: s.team.id }, user: { id: s.ann.id }, api_app_id: s.app.id, container: { message_ts: said.ts, channel_id: s.channel.id }, actions: [{ action_id: 'usher_feedback', value: 'up:x', action_ts: '1700000000.000003' }] }) }).toString()],
  ];
  const pick = (n) => Math.floor(random() * n);
  // Another value somewhere: still JSON, but not what its type promises.
  const odd = [null, true, -1, 1e300, '', 'x'.repeat(70), [], {}, [[]], { id: {} }, '\ud7ff', '1700000000.000009', 'T0', [null]];
  const change = (value) => {
    const names = Object.keys(value ?? {});
    if (typeof value !== 'object' || names.length === 0) return;
    const name = names[pick(names.length)], inside = value[name];
    if (typeof inside === 'object' && inside && random() < 0.7) change(inside);
    else if (random() < 0.2) delete value[name];
    else value[name] = structuredClone(odd[pick(odd.length)]);
  };
  const mutate = (type, text) => {
    if (type === 'application/json' && random() < 0.6) {
      const value = JSON.parse(text);
      for (let n = 1 + pick(3); n > 0; n--) change(value);
      return Buffer.from(JSON.stringify(value));
    }
    let bytes = Buffer.from(text);
    for (let n = 1 + pick(3); n > 0; n--) {
      const at = pick(bytes.length), kind = pick(5);
      if (kind === 0) bytes[at] = pick(256);
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pick(20))]);
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(['null', '{', ']', '"', '\\u0000', '1e999', '[]', 'ÿ', ','.repeat(50)][pick(9)]), bytes.subarray(at)]);
      else if (kind === 3) bytes = Buffer.concat([bytes, bytes.subarray(0, at)]);
      else bytes = bytes.subarray(0, at + 1);
    }
    return bytes;
  };
  const statuses = {};
  const post = async (type, body) => {
    const stamp = Math.floor(Date.now() / 1000);
    const { createHmac } = await import('node:crypto');
    const mac = createHmac('sha256', s.app.signingSecret).update(`v0:${stamp}:`).update(body).digest('hex');
    const answer = await fetch(s.eventsUrl, { method: 'POST', body, headers: { 'content-type': type, 'x-slack-request-timestamp': String(stamp), 'x-slack-signature': `v0=${mac}` } });
    await answer.arrayBuffer();
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    assert.ok(answer.status < 500 || answer.status === 503, `${answer.status} for ${body}`);
  };
  const work = Array.from({ length: 1000 }, () => originals[pick(originals.length)]).map(([type, text]) => [type, mutate(type, text)]);
  await Promise.all(Array.from({ length: 8 }, async () => { for (let next; (next = work.pop()); ) await post(...next); }));
  t.diagnostic(JSON.stringify(statuses));
  assert.ok((statuses[400] ?? 0) > 100, 'broken ones are refused');
  assert.equal(s.daemon.exited, null);

  await t.test('requests that are not signed, or too long ago', async () => {
    const [type, body] = originals[0];
    const ask = async (headers) => (await fetch(s.eventsUrl, { method: 'POST', body, headers: { 'content-type': type, ...headers } })).status;
    const now = Math.floor(Date.now() / 1000);
    for (const headers of [{}, signed('wrong', body), signed(s.app.signingSecret, `${body} `), signed(s.app.signingSecret, body, now - 301), signed(s.app.signingSecret, body, now + 360)])
      assert.equal(await ask(headers), 401);
    assert.equal(await ask(signed(s.app.signingSecret, body)), 200);
  });
  const next = s.people.say(s.ann, s.slack.world.addChannel(s.team, 'calm', { members: [s.ann, s.bot.bot] }), s.mention('question [#h]'), { wants: 'h' });
  await s.answer(next);
  assert.equal(s.slack.tally.report().twice.length, 0);
});

async function day(t, options) {
  const wrong = [];
  const { report, counts, kills } = await slackEndurance({ messages: 80, kills: 2, seed: 11, note: (text) => wrong.push(text), ...options });
  t.diagnostic(JSON.stringify({ answered: report.answered, kills, retries: counts.retries, lost: counts.lost, limited: counts.limited, refreshes: counts.refreshes }));
  assert.deepEqual(wrong, []);
  assert.equal(report.answered, report.expected);
}

test('a short day with everything at once: refreshes, copies, lost answers, 429 and kill -9', (t) => day(t, {}));

test('the same, with answers that grow while earlier ones of their thread still wait for their turn', (t) =>
  day(t, { kills: 0 }));
