// Setting a platform up from the command line: the guide, the secrets, the checks, the settings file, and the first message.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import yaml from 'yaml';
import { Slack } from '../servers/slack.mjs';
import { appOf } from '../servers/slack/manifest.mjs';
import { Daemon, binary, hookSecret, until } from './harness.mjs';

const manifest = yaml.parse(readFileSync(new URL('../../etc/slack-manifest.yaml', import.meta.url), 'utf8').replace(/ +# (socket|own|prompts)$/gm, ''));

// A Slack with one app in one workspace, and a folder with a commented settings file of the operator's.
async function scene(t, { settings } = {}) {
  const slack = await new Slack().start();
  t.after(() => slack.stop());
  const team = slack.world.addTeam('Acme'), ann = slack.world.addUser(team, 'ann');
  const app = slack.addApp({ ...appOf(manifest), socketMode: true });
  const bot = app.install({ team });
  const daemon = new Daemon();
  t.after(() => daemon.finish());
  const text = settings ?? `# written by hand
listen = { address = "127.0.0.1"; port = 0; }; // here
store = { url = "sqlite:${daemon.dir}/usher.db"; };
platforms = { # more to come
  webhook = ( { name = "crm"; secret = "${hookSecret}"; } ); };
`;
  writeFileSync(daemon.config, text);
  for (const secret of [bot.token, app.appToken]) daemon.secrets.add(secret);
  const words = ['init', 'slack', '--name', 'acme', '--set', `api_base=${slack.apiUrl}`];
  return { slack, ann, app, bot, daemon, text, words, lines: `bot_token=${bot.token}\n\n# the other\n app_token = ${app.appToken}\n` };
}

const files = (dir) => readdirSync(dir).filter((name) => !name.startsWith('usher.'));

test('without a platform, what can be set up; an unknown one is named', async (t) => {
  const daemon = new Daemon();
  t.after(() => daemon.finish());
  assert.deepEqual((await daemon.json('init')).map((p) => [p.platform, p.title]), [['slack', 'Slack'], ['telegram', 'Telegram'], ['discord', 'Discord']]);
  const unknown = await daemon.cli('init', 'slak');
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /did you mean "slack"/);
});

test('from nothing to the first message, while a daemon runs', async (t) => {
  const { slack, ann, bot, app, daemon, text, words, lines } = await scene(t);
  await daemon.start();
  const child = spawn(binary, [...words, '--wait', '240', '--config', daemon.config], { env: daemon.env });
  const over = new Promise((resolve) => child.on('exit', resolve));
  let stdout = '', stderr = '';
  child.stdout.on('data', (more) => (stdout += more));
  child.stderr.on('data', (more) => (stderr += more));
  child.stdin.end(lines);
  await until('the connection', () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${stdout}${stderr}`);
    return stdout.includes('Connected.');
  }, 60);
  slack.people.tell(ann, bot, 'are you there, newcomer?');
  assert.equal(await over, 0, stdout + stderr);
  assert.match(stdout, /From a manifest/i);
  assert.match(stdout, /^ok +token /m);
  assert.match(stdout, /first message has come/);
  for (const secret of [bot.token, app.appToken]) assert.ok(!(stdout + stderr).includes(secret), 'no secret is shown');

  const written = readFileSync(daemon.config, 'utf8');
  for (const line of ['# written by hand', '// here', '# more to come', 'name = "crm"']) assert.ok(written.includes(line), written);
  assert.ok(!written.includes('xoxb-') && !written.includes('xapp-'), 'no secret is in the settings file');
  assert.equal(readFileSync(`${daemon.config}.bak`, 'utf8'), text);
  for (const name of ['slack-acme-bot_token', 'slack-acme-app_token']) {
    assert.equal(statSync(path.join(daemon.dir, name)).mode & 0o777, 0o600);
    assert.ok(written.includes(`file:${path.join(daemon.dir, name)}`));
  }
  const line = daemon.lines.filter((l) => l.includes('ready after')).at(-1);
  daemon.port = Number(line.match(/:(\d+), control/)[1]);

  const rows = await daemon.json('installation', 'list');
  assert.equal(rows.find((r) => r.name === 'acme').link, 'up');
  assert.match((await daemon.cli('installation', 'list')).stdout, /slack +acme .* on +up/);
  const findings = await daemon.json('doctor');
  assert.ok(findings.some((f) => f.check === 'token' && f.message.startsWith('slack/acme: ')), JSON.stringify(findings));

  // A second time nothing is written, but the guide is shown.
  const again = await daemon.type(lines, ...words, '--wait', '0');
  assert.equal(again.status, 1);
  assert.match(again.stdout, /From a manifest/i);
  assert.match(again.stderr, /"acme" already/);
  assert.equal(readFileSync(daemon.config, 'utf8'), written);
});

test('without a daemon it says how to start one, and waits for it', async (t) => {
  const { slack, ann, bot, daemon, words, lines } = await scene(t);
  const going = daemon.type(lines, ...words, '--wait', '240');
  await until('the settings to be written', () => readFileSync(daemon.config, 'utf8').includes('acme'));
  await daemon.start();
  await until('usher to be connected', () => [...slack.sockets.of(slack.apps[0])].some((c) => c.greeted));
  const end = { done: false };
  going.then(() => (end.done = true));
  for (let i = 0; i < 20 && !end.done; i++) {
    slack.people.tell(ann, bot, `hello number ${i}, anybody there?`);
    await until('a moment', () => end.done, 2).catch(() => {});
  }
  const { status, stdout, stderr } = await going;
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /usher run --config/);
});

// On a terminal the secrets are asked for, one after the other, and not shown; script(1) is the terminal.
test('on a terminal it asks, shows nothing of what is typed, and Ctrl-C changes nothing', { skip: spawnSync('script', ['--version']).error && 'script(1) is not there' }, async (t) => {
  const { daemon, bot, app, text, words } = await scene(t);
  const shell = [binary, ...words, '--wait', '0', '--config', daemon.config].map((w) => `'${w}'`).join(' ');
  const talk = async (answers) => {
    const child = spawn('script', ['-qec', `exec ${shell}`, '/dev/null'], { env: { ...daemon.env, SHELL: '/bin/sh' } });
    const over = new Promise((resolve) => child.on('exit', resolve));
    let shown = '';
    child.stdout.on('data', (more) => (shown += more));
    for (const [name, answer] of answers) {
      await until(`the question for ${name}`, () => shown.includes(`${name} (`) && shown.trimEnd().endsWith('>'));
      shown += '\n';
      child.stdin.write(answer);
    }
    const status = await over;
    return { status, shown };
  };
  const broken = await talk([['bot_token', `${bot.token}\n`], ['app_token', '\u0003']]);
  assert.equal(broken.status, 1, broken.shown);
  assert.match(broken.shown, /nothing was changed: broken off/);
  assert.equal(readFileSync(daemon.config, 'utf8'), text);
  assert.deepEqual(files(daemon.dir), []);
  const done = await talk([['bot_token', `${bot.token}\n`], ['app_token', `${app.appToken}\n`], ['signing_secret', '\n'], ['client_secret', '\n']]);
  assert.equal(done.status, 0, done.shown);
  for (const secret of [bot.token, app.appToken]) assert.ok(!done.shown.includes(secret) && !broken.shown.includes(secret));
  assert.equal(readFileSync(path.join(daemon.dir, 'slack-acme-app_token'), 'utf8').trim(), app.appToken);
});

test('what would not work changes nothing', async (t) => {
  const { daemon, text, words, lines, bot } = await scene(t);
  for (const [input, more, pattern] of [
    ['', [], /bot_token|missing/],
    ['bot_token=xoxb-wrong\napp_token=xapp-1-A1-1-wrong\n', [], /faults/],
    ['nonsense\n', [], /lines like/],
    ['bot_toke=x\n', [], /did you mean "bot_token"/],
    [lines, ['--set', 'transport=pigeon'], /socket/],
    [lines, ['--set', 'oops'], /NAME=VALUE/],
    [lines, ['--name', 'a b'], /letters/],
    [`app_token=${bot.token}\nbot_token=${bot.token}\n`, [], /xapp-/],
  ]) {
    const { status, stderr } = await daemon.type(input, ...words, '--wait', '0', ...more);
    assert.equal(status, 1, `${input}${more}: ${stderr}`);
    assert.match(stderr, pattern);
    assert.equal(readFileSync(daemon.config, 'utf8'), text);
    assert.deepEqual(files(daemon.dir), [], 'no secret is left behind');
  }
  assert.equal((await daemon.type(lines, ...words, '--wait', 'x')).status, 2);
});

test('secrets may stay in the environment; a new settings file is made', async (t) => {
  const { daemon, bot, app, words, slack } = await scene(t);
  const file = path.join(daemon.dir, 'fresh.conf');
  daemon.config = file;
  daemon.env = { ...daemon.env, SLACK_BOT_TOKEN: bot.token, SLACK_APP_TOKEN: app.appToken };
  const { status, stdout, stderr } = await daemon.cli(...words, '--wait', '0', '--url', 'https://bot.example.org/');
  assert.equal(status, 0, stdout + stderr);
  const written = readFileSync(file, 'utf8');
  assert.match(written, /bot_token = "env:SLACK_BOT_TOKEN"/);
  assert.match(written, /public_url = "https:\/\/bot\.example\.org"/);
  assert.deepEqual(files(daemon.dir).filter((name) => name.startsWith('slack-')), []);
  assert.ok(!existsSync(`${file}.bak`));
  assert.ok(slack.api.count('auth.test') > 0, 'it was tried');
  chmodSync(file, 0o640);
  const second = await daemon.cli(...words.map((w) => (w === 'acme' ? 'second' : w)), '--wait', '0', '--url', 'https://other.example.org');
  assert.match(second.stderr, /public_url is https:\/\/bot\.example\.org already/);
  assert.equal((await daemon.cli(...words.map((w) => (w === 'acme' ? 'second' : w)), '--wait', '0')).status, 0);
  assert.equal(statSync(file).mode & 0o777, 0o640, 'it stays as open as it was');
  const third = await daemon.type(`signing_secret=${app.signingSecret}\n`, ...words.map((w) => (w === 'acme' ? 'third' : w)), '--wait', '0', '--set', 'transport=http');
  assert.equal(third.status, 0, third.stderr);
  assert.match(third.stdout, /https:\/\/bot\.example\.org\/slack\/third\/events/, 'the manifest names our address');
  assert.equal((readFileSync(file, 'utf8').match(/name = /g) ?? []).length, 3);
});
