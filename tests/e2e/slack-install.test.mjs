// "Add to Slack": through the browser and back, workspaces kept apart, tokens renewed, and gone when they are taken away.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { ModelServer } from '../servers/model.mjs';
import { Browser } from '../servers/slack/browser.mjs';
import { publicUrl, sealing, stage, taken } from './slack-kit.mjs';
import { until, wait } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

// usher whose app others may add.
async function open(t, { app = {}, own = {}, transport = 'http', root = false, ...more } = {}) {
  const s = await stage(t, model, {
    ...more, transport, root, start: false, rest: { listen: { address: '127.0.0.1', port: 0, public_url: publicUrl }, ...sealing, ...more.rest },
    app: { redirectUrls: [`${publicUrl}/slack/acme/oauth`], ...app }, own,
  });
  s.make.own = { ...own, client_id: s.app.clientId, client_secret: s.app.clientSecret };
  s.daemon.configure(s.settings());
  await s.up();
  s.browser = new Browser({ [publicUrl]: s.daemon.url });
  return s;
}

// A person adds the app to a workspace. Returns the last page.
async function add(s, name, browser = s.browser) {
  const button = await browser.go(`${publicUrl}/slack/acme/install`);
  assert.equal(button.status, 200, button.text);
  const consent = await browser.go(browser.link(button, /Slack/));
  assert.match(consent.text, /asks for/, consent.text);
  return browser.go(browser.link(consent, name));
}

// A channel of a workspace with the app and a person in it.
function settle(s, team, key = team.id) {
  const installation = s.app.installations.find((i) => i.key === key && i.active);
  s.daemon.secrets.add(installation.token);
  const user = [...s.slack.world.users.values()].find((u) => !u.isBot && u.team === team) ?? s.slack.world.addUser(team, `user of ${team.name}`);
  const channel = s.slack.world.addChannel(team, 'general', { members: [user, installation.bot] });
  const ask = (text) => s.people.say(user, channel, `<@${installation.bot.id}> ${text}`);
  return { installation, user, channel, ask };
}

const databaseFiles = (s) => ['usher.db', 'usher.db-wal'].map((name) => `${s.daemon.dir}/${name}`).filter(existsSync);
const inFiles = (s, text) => databaseFiles(s).some((file) => readFileSync(file).includes(text));

for (const transport of ['http', 'socket'])
  test(`${transport}: two workspaces add the app and are kept apart`, async (t) => {
    const s = await open(t, { transport });
    const other = s.slack.world.addTeam('Other');
    for (const name of [/Acme/, /Other/]) assert.match((await add(s, name)).text, /added|ready|works|done/i);
    const a = settle(s, s.team), b = settle(s, other);
    const shared = 'our secret word is swordfish';
    await s.answer(a.ask(shared));
    const asked = b.ask('what is the secret word?');
    await s.answer(asked);
    assert.doesNotMatch(JSON.stringify(s.asked('what is the secret word')[0].messages), /swordfish/);
    for (const { installation, channel } of [a, b])
      for (const call of s.slack.api.calls.filter((c) => c.args?.channel === channel.id)) assert.equal(call.installation, installation, 'each with its own token');
    const list = await s.daemon.json('installation', 'list');
    assert.ok(JSON.stringify(list).includes(`acme/${s.team.id}`) && JSON.stringify(list).includes(`acme/${other.id}`), JSON.stringify(list));
    for (const { installation } of [a, b]) assert.ok(!inFiles(s, installation.token), 'the token is sealed');
    await s.settled();

    await t.test('and are both there after a restart', async () => {
      await s.daemon.stop();
      await s.up();
      await s.answer(a.ask('are you back?'));
      await s.answer(b.ask('are you back?'));
      await s.settled();
    });
    await t.test('one that is switched off is silent until it is switched on again', async () => {
      assert.equal((await s.daemon.cli('installation', 'disable', `acme/${other.id}`)).status, 0);
      const unheard = b.ask('anybody there?');
      await s.answer(a.ask('but you are?'));
      await wait(300);
      assert.equal(s.answers(unheard.channel, unheard.ts).length, 0);
      for (const d of unheard.deliveries) assert.deepEqual([d.state, d.attempts.length], ['acked', 1], 'taken, not asked for again');
      assert.equal((await s.daemon.cli('installation', 'enable', `acme/${other.id}`)).status, 0);
      await s.answer(b.ask('and now?'));
      const shown = await s.daemon.json('installation', 'show', `acme/${other.id}`);
      assert.ok(!JSON.stringify(shown).includes(b.installation.token));
    });
    await t.test('one that is removed is gone', async () => {
      assert.equal((await s.daemon.cli('installation', 'remove', `acme/${other.id}`)).status, 0);
      const unheard = b.ask('anybody there?');
      await s.answer(a.ask('still here?'));
      await wait(300);
      assert.equal(s.answers(unheard.channel, unheard.ts).length, 0);
    });
  });

for (const order of [['app_uninstalled', 'tokens_revoked'], ['tokens_revoked', 'app_uninstalled']])
  test(`uninstalled (${order[0]} first): the work stops at once and the secrets are erased`, async (t) => {
    const s = await open(t, { modelName: 'held' });
    await add(s, /Acme/);
    const a = settle(s, s.team);
    await s.answer(a.ask('the first question'));
    const release = model.hold(), running = a.ask('a question that is under way');
    t.after(release);
    await until('the turn', () => model.running > 0);
    const before = s.slack.api.calls.length;
    await s.slack.uninstall(a.installation, { order });
    await s.slack.uninstall(a.installation, { order: [] });
    await until('the row to be marked', async () => (await s.daemon.json('installation', 'list')).some((r) => r.name === `acme/${s.team.id}` && r.removed_at));
    release();
    await until('the model to be left alone', () => model.running === 0);
    await wait(300);
    const after = s.slack.api.calls.slice(before).filter((c) => c.tokenUsed === a.installation.tokens[0].token);
    assert.ok(after.length <= 2, `called with a dead token: ${after.map((c) => c.method)}`);
    assert.equal(s.answers(running.channel, running.ts).length, 0);
    await s.daemon.stop();
    for (const { token } of a.installation.tokens) assert.ok(!inFiles(s, token));
    const { sql } = await import('../campaign/scenarios.mjs');
    assert.equal(sql(s.daemon.dir, `SELECT count(*) FROM "LLMAgentInstallation" WHERE name = 'acme/${s.team.id}' AND secrets IS NOT NULL`), '0');
    assert.notEqual(sql(s.daemon.dir, 'SELECT count(*) FROM message'), '0', 'conversations stay');
    await s.up();
    s.browser.map[publicUrl] = s.daemon.url;
    const anew = await add(s, /Acme/);
    assert.equal(anew.status, 200, 'it can be added again');
    const b = settle(s, s.team);
    await s.answer(b.ask('hello again'));
  });

test('an organisation adds it: one token, many workspaces', async (t) => {
  const s = await open(t);
  const { world } = s.slack;
  const org = world.addOrg('Globex'), east = world.addTeam('East', { org }), west = world.addTeam('West', { org });
  world.addUser(east, 'eve');
  world.addUser(west, 'wim', { prefix: 'W' });
  assert.equal((await add(s, /Globex/)).status, 200);
  const e = settle(s, east, org.id), w = settle(s, west, org.id);
  assert.equal(e.installation, w.installation);
  await s.answer(e.ask('who is in the east?'));
  await s.answer(w.ask('who is in the west?'));
  const direct = s.people.tell(w.user, w.installation, 'and in private?');
  await s.answer(direct);
  const command = await taken(() => s.people.command(e.user, e.installation, e.channel, '/usher', 'help'));
  await until('the help', () => command.entry.posts.length > 0 || s.slack.ephemerals.length > 0);
  await s.settled();
});

test('tokens are renewed before they expire, used only when kept, and never lost', async (t) => {
  const s = await open(t, { app: { rotation: true, tokenSeconds: 7203 } });
  await add(s, /Acme/);
  const a = settle(s, s.team);
  await s.answer(a.ask('the first question'));
  await until('a renewal', () => s.slack.counts.refreshed >= 1, 20);
  await until('the new token to be used', () => s.slack.api.calls.some((c) => c.tokenUsed === a.installation.tokens.at(-1).token) || (a.ask('again?'), false), 20);
  await s.daemon.kill();
  await s.up();
  await s.answer(a.ask('after a crash?'), 1, 30);
  for (const { token } of a.installation.tokens) {
    s.daemon.secrets.add(token);
    assert.ok(!inFiles(s, token));
  }
  // Expired before its time: the call is made again with a new one.
  a.installation.tokens.forEach((each) => (each.expires = Date.now() - 1));
  await s.answer(a.ask('with a token that has expired?'), 1, 30);
  await s.settled();
});

test('what does not lead to an installation', async (t) => {
  const s = await open(t);
  const { browser } = s;
  await t.test('the person cancels', async () => {
    const page = await add(s, /Cancel/);
    assert.ok(page.status < 500, page.text);
    assert.match(page.text, /not|cancel/i);
  });
  await t.test('another browser comes back with the code', async () => {
    const button = await browser.go(`${publicUrl}/slack/acme/install`);
    const consent = await browser.go(browser.link(button, /Slack/));
    const { location } = await browser.ask(browser.link(consent, /Acme/));
    const stranger = new Browser(browser.map);
    const page = await stranger.go(location);
    assert.ok(page.status >= 400 && page.status < 500, String(page.status));
    assert.equal(s.slack.counts.exchanges, 0);
    await browser.go(location);
    const exchanged = s.slack.counts.exchanges;
    assert.ok((await browser.go(location)).status >= 400, 'once at most');
    assert.equal(s.slack.counts.exchanges, exchanged);
  });
  await t.test('a forged state, a missing code, an error of any other kind', async () => {
    for (const query of ['code=1&state=x', 'code=1', 'state=x', '', 'error=access_denied', 'error=%3Cscript%3E&state=x', `code=${'x'.repeat(3000)}&state=${'y'.repeat(300)}`]) {
      const page = await browser.go(`${publicUrl}/slack/acme/oauth?${query}`);
      assert.ok(page.status >= 400 && page.status < 500, `${page.status} for ${query}`);
      assert.doesNotMatch(page.text, /<script>/);
    }
  });
  await t.test('Slack fails in the exchange', async () => {
    const exchanged = s.slack.counts.exchanges;
    s.slack.fault({ method: 'oauth.v2.access', kind: 'status', times: 1 });
    const page = await add(s, /Acme/);
    assert.ok(page.status >= 500);
    assert.equal(s.slack.counts.exchanges, exchanged);
    assert.equal((await add(s, /Acme/)).status, 200);
  });
  assert.match(browser.lastCookie ?? '', /HttpOnly/i);
  assert.match(browser.lastCookie ?? '', /Secure/i);
});
