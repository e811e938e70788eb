// usher init telegram: one secret is typed, the link is opened, Start is pressed, and it answers before anything is written.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Telegram } from '../servers/telegram.mjs';
import { ModelServer } from '../servers/model.mjs';
import { Daemon, binary, settingsText, until } from './harness.mjs';

// A Telegram with one new bot, and a settings file with a model and without platforms. init is started by go().
async function scene(t, { own = [] } = {}) {
  const model = await new ModelServer().start(), telegram = await new Telegram({ knobs: { secondMs: 50 } }).start();
  t.after(() => model.stop());
  t.after(() => telegram.stop());
  const bot = telegram.addBot('usher_bot'), ann = telegram.world.addUser('ann');
  const daemon = new Daemon();
  t.after(() => daemon.finish());
  const text = settingsText({
    listen: { address: '127.0.0.1', port: 0 }, store: { url: `sqlite:${daemon.dir}/usher.db` }, users: { strangers: 'pair' },
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'echo', api_key: model.key }],
  });
  writeFileSync(daemon.config, text);
  daemon.secrets.add(bot.token);
  const go = (...more) => {
    const child = spawn(binary, ['init', 'telegram', '--name', 'acme', '--set', `api_base=${telegram.base}`, ...own, ...more, '--config', daemon.config], { env: daemon.env });
    const run = { child, shown: '', over: new Promise((resolve) => child.on('exit', resolve)) };
    for (const out of [child.stdout, child.stderr]) out.on('data', (piece) => (run.shown += piece));
    child.stdin.end(`bot_token=${bot.token}\n`);
    run.says = (pattern, seconds = 20) => until(`init to say ${pattern}`, () => {
      const found = pattern.exec(run.shown);
      if (!found && child.exitCode !== null) throw new Error(`it ended: ${run.shown}`);
      return found;
    }, seconds);
    return run;
  };
  const unchanged = () => {
    assert.equal(readFileSync(daemon.config, 'utf8'), text);
    assert.deepEqual(readdirSync(daemon.dir).filter((name) => name.startsWith('telegram-')), [], 'no secret is left behind');
  };
  return { model, telegram, bot, ann, daemon, text, go, unchanged, said: () => bot.privateWith(ann).list.filter((m) => m.bot === bot) };
}

test('while a daemon runs: the link is opened, Start pressed, answered, written, and its opener is the owner', async (t) => {
  const s = await scene(t), { telegram, bot, ann, daemon } = s;
  await daemon.start();
  const run = s.go('--wait', '90');
  const [link] = await run.says(/https:\/\/t\.me\/usher_bot\?start=\S+/);
  assert.match(run.shown, /^ok +token /m);
  assert.equal(readFileSync(daemon.config, 'utf8'), s.text);
  telegram.people.open(ann, link);
  await until('the greeting', () => s.said().some((m) => /It works/.test(m.words)));
  assert.equal(await run.over, 0, run.shown);
  assert.match(run.shown, /heard and answered[\s\S]*Written to/);
  assert.match(run.shown, /The first message has come/);
  assert.doesNotMatch(run.shown, /pair approve/);
  assert.ok(!run.shown.includes(bot.token.split(':')[1]), 'no secret is shown');
  telegram.people.tell(ann, bot, 'and who answers now?');
  await until('an answer of the model', () => s.said().some((m) => /^echo: .*who answers now/s.test(m.words)));
});

// The whole way of somebody who has a token: what is typed, and how long they wait for machines.
test('on a terminal: at most three answers are typed, and within ten seconds it has answered', { skip: spawnSync('script', ['--version']).error && 'script(1) is not there' }, async (t) => {
  const s = await scene(t), { telegram, bot, ann, daemon } = s;
  await daemon.start();
  const shell = [binary, 'init', 'telegram', '--set', `api_base=${telegram.base}`, '--wait', '60', '--config', daemon.config].map((w) => `'${w}'`).join(' ');
  const child = spawn('script', ['-qec', `exec ${shell}`, '/dev/null'], { env: { ...daemon.env, SHELL: '/bin/sh' } });
  const over = new Promise((resolve) => child.on('exit', resolve));
  let shown = '', typed = 0, read = 0; // read: so far questions were answered
  child.stdout.on('data', (more) => (shown += more));
  const answers = { bot_token: bot.token };
  let link;
  await until('the first reply', () => {
    const asked = /(\w+) \([^\n]*\)\s*>\s*$/.exec(shown.slice(read));
    if (asked) {
      read = shown.length;
      typed++;
      child.stdin.write(`${answers[asked[1]] ?? ''}\n`);
    }
    const found = !link && /https:\/\/t\.me\/usher_bot\?start=[\w-]+/.exec(shown);
    if (found) telegram.people.open(ann, (link = found[0]));
    return s.said().some((m) => /It works/.test(m.words));
  }, 10);
  assert.ok(typed <= 3, `${typed} answers were typed`);
  assert.equal(await over, 0, shown);
  assert.ok(!shown.includes(bot.token.split(':')[1]), 'what is typed is not shown');
});

test('without a daemon: heard and answered first, then written', async (t) => {
  const s = await scene(t), { telegram, bot, ann, daemon } = s;
  const run = s.go('--wait', '90');
  await run.says(/https:\/\/t\.me\/usher_bot\n/);
  assert.equal(readFileSync(daemon.config, 'utf8'), s.text);
  telegram.people.start(ann, bot);
  await run.says(/usher run --config/);
  assert.ok(s.said().some((m) => /It works/.test(m.words)));
  assert.ok(readFileSync(daemon.config, 'utf8').includes('acme'));
  await daemon.start();
  assert.equal(await run.over, 0, run.shown);
  assert.match(run.shown, /pair approve/, 'what was said is not lost');
});

test('nobody presses Start, Ctrl-C, and bots that others use: nothing is changed', async (t) => {
  const s = await scene(t), { telegram, bot } = s;
  const late = s.go('--wait', '1');
  assert.equal(await late.over, 1);
  assert.match(late.shown, /nothing was changed: nobody wrote/);
  s.unchanged();
  const broken = s.go('--wait', '60');
  await broken.says(/https:\/\/t\.me\/usher_bot/);
  broken.child.kill('SIGINT');
  assert.equal(await broken.over, 1);
  assert.match(broken.shown, /broken off/);
  s.unchanged();
  const stop = telegram.rival(bot);
  const rival = s.go('--wait', '60');
  assert.equal(await rival.over, 1, rival.shown);
  assert.match(rival.shown, /another program polls this bot/);
  stop();
  s.unchanged();
  bot.webhook = { url: 'https://other.example.org/secret-path', secret: null, maxConnections: 40, ip: null };
  const hooked = s.go('--wait', '60');
  assert.equal(await hooked.over, 1, hooked.shown);
  assert.match(hooked.shown, /webhook is set at other\.example\.org/);
  assert.doesNotMatch(hooked.shown, /secret-path/);
  s.unchanged();
  bot.webhook = null;
  bot.revoke();
  const dead = await s.daemon.type('bot_token=7000000001:AAwrong-token-of-thirty-letters-or-more\n', 'init', 'telegram', '--set', `api_base=${telegram.base}`);
  assert.equal(dead.status, 1);
  assert.match(dead.stdout, /BotFather/);
  s.unchanged();
});

test('--wait 0 writes without anybody; a webhook is set up as its address wants it', async (t) => {
  const s = await scene(t);
  const run = s.go('--wait', '0', '--set', 'transport=webhook', '--url', 'https://usher.example.org');
  assert.equal(await run.over, 0, run.shown);
  assert.match(run.shown, /https:\/\/usher\.example\.org\/telegram\/acme\/update/);
  const written = readFileSync(s.daemon.config, 'utf8');
  assert.match(written, /transport = "webhook"/);
  assert.ok(!written.includes(s.bot.token));
  assert.ok(existsSync(`${s.daemon.dir}/telegram-acme-bot_token`));
});
