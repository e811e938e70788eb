// Slash commands, the message command and buttons of a Discord bot, over the gateway and over HTTP.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { stage } from './discord-kit.mjs';
import { until } from './harness.mjs';

let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

for (const http of [false, true]) {
  test(`commands ${http ? 'over HTTP' : 'over the gateway'}`, async (t) => {
    const s = await stage(t, model, { http }), { people, ann, bob, app, channel } = s;
    const names = () => (app.commands.get('') ?? []).map((c) => c.name).sort();
    await until('the commands', () => names().length > 0);
    for (const name of ['Ask usher', 'ask', 'link', 'new', 'usage']) assert.ok(names().includes(name), `${name} of ${names()}`);

    const asked = await s.answered(people.command(ann, channel, app, 'ask', { [option(app, 'ask')]: 'what is a slash command?' }));
    assert.match(asked.answer, /echo: .*what is a slash command/s);
    assert.ok(!asked.whispered);
    const usage = await s.answered(people.command(ann, channel, app, 'usage'));
    assert.match(usage.answer, /oday/);
    assert.ok(usage.whispered, 'only they see it');
    const link = await s.answered(people.command(ann, s.dm(), app, 'link'));
    assert.match(link.answer, /[A-Z0-9]{4,}/);
    assert.ok(link.whispered);
    await s.answered(people.command(ann, s.dm(), app, 'ask', { [option(app, 'ask')]: 'remember the word elephant' }));
    await s.answered(people.command(ann, s.dm(), app, 'new'));
    await s.answered(people.command(ann, s.dm(), app, 'ask', { [option(app, 'ask')]: 'which word was it?' }));
    assert.ok(!JSON.stringify(s.asked('which word was it')[0].messages).includes('elephant'), 'a new conversation');

    const remark = people.say(bob, channel, 'the moon is made of green cheese');
    const menu = await s.answered(people.menu(ann, remark, app, 'Ask usher'));
    assert.ok(s.asked('green cheese').length > 0, 'the message is what is asked about');
    assert.ok(menu.answer);
    await s.settled();
    const before = s.discord.puts.length;
    await s.daemon.stop();
    await s.up();
    await s.answered(people.command(ann, s.dm(), app, 'ask', { [option(app, 'ask')]: 'are you back again?' }));
    assert.equal(s.discord.puts.length, before, 'the list is set only when it changed');
  });
}

const option = (app, name) => app.commands.get('').find((c) => c.name === name).options[0].name;
