// Setting Slack up: the manifest that is printed is one that Slack takes, and doctor names what is wrong with the app.
import test from 'node:test';
import assert from 'node:assert/strict';
import yaml from 'yaml';
import { ModelServer } from '../servers/model.mjs';
import { appOf, manifestFaults } from '../servers/slack/manifest.mjs';
import { publicUrl, stage } from './slack-kit.mjs';
import { Daemon, until } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

// The manifest in what init prints: from its first line to the next step.
async function printed(daemon, ...options) {
  const { stdout } = await daemon.type('', 'init', 'slack', ...options);
  const text = /^_metadata:[\s\S]*?(?=^\d+\. )/m.exec(stdout)?.[0];
  assert.ok(text, stdout);
  return yaml.parse(text);
}

test('usher init slack prints a manifest that Slack takes, for every way to connect', async (t) => {
  const daemon = new Daemon();
  t.after(() => daemon.finish());
  const events = `${publicUrl}/slack/slack/events`, url = ['--url', publicUrl];
  const socket = await printed(daemon);
  const http = await printed(daemon, ...url, '--set', 'transport=http');
  const shared = await printed(daemon, ...url, '--set', 'transport=http', '--set', 'client_id=1.2');
  for (const made of [socket, http, shared]) {
    assert.deepEqual(manifestFaults(made), []);
    assert.equal(made.features.app_home.messages_tab_enabled, true);
    assert.equal(made.features.app_home.messages_tab_read_only_enabled, false);
  }
  assert.equal(appOf(socket).socketMode, true);
  assert.deepEqual([appOf(http).socketMode, appOf(http).eventsUrl, appOf(http).commandsUrl, appOf(http).interactivityUrl], [false, events, events, events]);
  assert.deepEqual(appOf(shared).redirectUrls, [`${publicUrl}/slack/slack/oauth`]);
  assert.equal(appOf(shared).orgReady, true);
});

const findings = async (s) => JSON.parse((await s.daemon.cli('doctor', '--json')).stdout).filter((f) => f.message.startsWith('slack/acme'));
const wrong = (list) => list.filter((f) => f.result !== 'ok').map((f) => f.message).join('\n');

test('usher doctor: all is well', async (t) => {
  const s = await stage(t, model);
  assert.equal(wrong(await findings(s)), '');
});

test('usher doctor names each missing scope and where to add it', async (t) => {
  const s = await stage(t, model);
  s.bot.scopes = s.bot.scopes.filter((scope) => !['files:read', 'im:history'].includes(scope));
  const said = wrong(await findings(s));
  for (const scope of ['files:read', 'im:history']) assert.ok(said.includes(scope), said);
  assert.ok(said.includes(`/apps/${s.app.id}/`), said);
});

test('usher doctor tells two apps apart whose tokens were mixed up', async (t) => {
  const s = await stage(t, model, { start: false });
  const other = s.slack.addApp({ socketMode: true });
  s.make.own = { app_token: other.appToken };
  s.daemon.configure(s.settings());
  await s.daemon.start();
  const said = await until('doctor to say so', async () => /take both from one app/.test(wrong(await findings(s))) && wrong(await findings(s)));
  assert.ok(said.includes(s.app.id) || said.includes(other.id), said);
});

test('usher doctor: a token that is refused', async (t) => {
  const s = await stage(t, model);
  s.bot.revoke('token_revoked');
  assert.match(wrong(await findings(s)), /token/);
});
