// Setting a Discord bot up: the guide, what the check finds, the link that adds it, the first mention; and the doctor.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Discord } from '../servers/discord.mjs';
import { ModelServer } from '../servers/model.mjs';
import { stage } from './discord-kit.mjs';
import { Daemon, binary, settingsText, until } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function scene(t, options = {}) {
  const discord = await new Discord({ knobs: { identifyMs: 100 } }).start();
  t.after(() => discord.stop());
  const app = discord.addApp('usher', options), ann = discord.world.addUser('ann'), guild = discord.world.addGuild('Acme', { owner: ann, members: [ann] });
  const channel = discord.world.addChannel(guild, 'general'), daemon = new Daemon();
  t.after(() => daemon.finish());
  const text = settingsText({
    listen: { address: '127.0.0.1', port: 0 }, store: { url: `sqlite:${daemon.dir}/usher.db` }, users: { strangers: 'pair' },
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }],
  });
  writeFileSync(daemon.config, text);
  daemon.secrets.add(app.token);
  const words = ['init', 'discord', '--name', 'acme', '--set', `api_base=${discord.api}`];
  const unchanged = () => assert.equal(readFileSync(daemon.config, 'utf8'), text);
  return { discord, app, ann, guild, channel, daemon, words, unchanged };
}

test('from nothing to the first mention, while a daemon runs', async (t) => {
  const s = await scene(t), { discord, app, ann, guild, channel, daemon } = s;
  await daemon.start();
  const child = spawn(binary, [...s.words, '--wait', '240', '--config', daemon.config], { env: daemon.env });
  const over = new Promise((resolve) => child.on('exit', resolve));
  let shown = '';
  for (const out of [child.stdout, child.stderr]) out.on('data', (more) => (shown += more));
  child.stdin.end(`bot_token=${app.token}\n`);
  const link = await until('the link', () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${shown}`);
    return /Connected\. Now [^\n]*(https:\/\/discord\.com\/oauth2\/authorize\S+)/.exec(shown)?.[1];
  }, 60).catch((error) => { throw new Error(`${error.message}: ${shown}`); });
  assert.match(link, /permissions=309237763136$/);
  assert.match(shown, /^ok +token +works/m);
  assert.match(shown, /^ok +intents/m);
  discord.people.invite(ann, link, guild);
  discord.people.mention(ann, channel, app, 'hello newcomer, are you there?');
  assert.equal(await over, 0, shown);
  assert.match(shown, /The first message has come/);
  assert.ok(!shown.includes(app.token.split('.')[2]), 'no secret is shown');
  assert.ok(!readFileSync(daemon.config, 'utf8').includes(app.token));
  const line = daemon.lines.filter((l) => l.includes('ready after')).at(-1);
  daemon.port = Number(line.match(/:(\d+), control/)[1]);
});

test('the intent that is off, a wrong token and a "Bot " too much: named, and nothing is changed', async (t) => {
  const s = await scene(t, { content: false }), { app, daemon } = s;
  const off = await daemon.type(`bot_token=${app.token}\n`, ...s.words, '--wait', '0');
  assert.equal(off.status, 1, off.stdout + off.stderr);
  assert.match(off.stdout, new RegExp(`fault +intents +the Message Content Intent is off.*applications/${app.id}/bot`));
  s.unchanged();
  const wrong = await daemon.type('bot_token=wrong\n', ...s.words, '--wait', '0');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /fault +token .*Reset Token/);
  s.unchanged();
  const prefixed = await daemon.type(`bot_token=Bot ${app.token}\n`, ...s.words, '--wait', '0');
  assert.equal(prefixed.status, 1);
  assert.match(prefixed.stderr, /leave the word before the token out/);
  s.unchanged();
  const without = await daemon.type(`bot_token=${app.token}\n`, ...s.words, '--set', 'message_content=false', '--wait', '0');
  assert.equal(without.status, 0, without.stdout + without.stderr);
  const written = readFileSync(daemon.config, 'utf8');
  const twice = await daemon.type(`bot_token=${app.token}\n`, 'init', 'discord', '--name', 'other', ...s.words.slice(4), '--set', 'message_content=false', '--wait', '0');
  assert.equal(twice.status, 1, twice.stdout);
  assert.match(twice.stderr, /"acme" and "other" have the same bot_token/);
  assert.equal(readFileSync(daemon.config, 'utf8'), written);
});

test('the doctor: what is fine, commands that go elsewhere, rights that are missing', async (t) => {
  const s = await stage(t, model), { app, daemon } = s;
  const fine = await daemon.json('doctor'), of = (findings, check) => findings.find((f) => f.check === check && f.message.includes('discord/bot'));
  for (const check of ['link', 'token', 'intents', 'commands', 'connections', 'servers', 'clock']) assert.equal(of(fine, check)?.result, 'ok', `${check}: ${JSON.stringify(fine)}`);
  app.interactionsUrl = 'https://other.example.org/hidden/path';
  const other = s.discord.world.addGuild('Gamma', { members: [s.ann] });
  s.people.addApp(s.ann, other, app, { permissions: 1024n });
  other.everyone.permissions = 0n;
  const ill = await daemon.cli('doctor', '--json'), findings = JSON.parse(ill.stdout);
  assert.match(of(findings, 'commands').message, /go to other\.example\.org/);
  assert.doesNotMatch(ill.stdout, /hidden/);
  assert.ok(findings.some((f) => f.check === 'rights' && f.result === 'fault' && /Gamma .*Send Messages/.test(f.message)), ill.stdout);
});
