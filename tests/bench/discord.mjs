// Rows for Discord: what an event costs that is not for us (nearly all of a busy guild's), what a direct message costs that is answered,
// and what memory a thousand guilds take. One bot, one shard.
import { Discord } from '../servers/discord.mjs';
import { Daemon, until, wait } from '../e2e/harness.mjs';
import { isPreview } from '../e2e/discord-kit.mjs';
import { measure } from './rows.mjs';

const bots = 40, rooms = 50, guilds = 1000, batch = 500;

// count: of bots, each with a connection of its own. before(discord, app, ann) makes more of the world before the daemon comes.
async function build(server, { count = 1, before = () => {} } = {}) {
  const discord = await new Discord({ keep: false, limits: { on: false }, knobs: { identifyMs: 100, replayMost: 1000 } }).start();
  const { world } = discord, ann = world.addUser('ann'), guild = world.addGuild('Acme', { members: [ann] });
  const channels = Array.from({ length: rooms }, (_, n) => world.addChannel(guild, `room-${n}`));
  const apps = Array.from({ length: count }, (_, n) => discord.addApp(`bench${n}`));
  for (const app of apps) discord.people.addApp(ann, guild, app);
  before(discord, apps[0], ann);
  const daemon = await new Daemon({
    models: [{ name: 'main', provider: 'openai', base_url: server.base, model: 'echo', api_key: server.key }],
    assistant: { system_prompt: 'You answer questions about orders, briefly and truthfully.' }, users: { strangers: 'allow' },
    platforms: { discord: apps.map((app, n) => ({ name: `bot${n}`, bot_token: app.token, api_base: discord.api, file_base: discord.base, preview: false })) },
  }).start();
  await until('the gateway', () => discord.counts.ready >= count, 60);
  const end = async () => {
    await daemon.finish();
    await discord.stop();
  };
  return { discord, apps, ann, channels, daemon, pid: daemon.child.pid, ask: asker(discord, apps), end };
}

// ask(n, text): a direct message of person n to one of the bots; resolves to milliseconds until its answer.
function asker({ world, people }, apps) {
  const waiting = new Map(), { changed } = world;
  world.changed = (kind, thing, more) => {
    changed(kind, thing, more);
    const done = kind === 'MESSAGE_CREATE' && thing.app && !isPreview(thing) && waiting.get(thing.channel);
    if (!done) return;
    waiting.delete(thing.channel);
    done();
  };
  return (n, text) => new Promise((resolve) => {
    const person = world.addUser(`person${n}`), channel = world.dm(apps[n % apps.length].user, person), begun = performance.now();
    waiting.set(channel, () => resolve(performance.now() - begun));
    people.say(person, channel, text);
  });
}

// What a busy guild says to everybody but us: messages as they come on the wire, each with an id of its own.
async function ignored(server, { quick, question, tools: { cpu, print } }) {
  const stage = await build(server), { discord, apps: [app], ann, channels, pid, ask } = stage, [session] = discord.sessions.of(app);
  const shown = channels.map((channel) => ({
    ...discord.people.say(ann, channel, question, { quiet: true }).shown({ app, nonce: true }), guild_id: channel.guild.id, channel_type: 0, member: channel.guild.memberShown(ann),
  }));
  const total = quick ? 20_000 : 100_000;
  await ask(0, question);
  await wait(500);
  const before = cpu(pid), begun = performance.now();
  for (let sent = 0; sent < total; sent += batch) {
    for (let i = 0; i < batch; i++) session.dispatch('MESSAGE_CREATE', { ...shown[i % rooms], id: discord.world.flakes.next() });
    await session.connection.turn;
    await until('the socket to take more', () => session.connection.ws.bufferedAmount < 1 << 20, 60);
  }
  await ask(1, question); // it is answered when all before it were read
  print('Discord: events a second that are not for us, one shard', Math.round((total / (performance.now() - begun)) * 1000));
  print('Discord: CPU an event that is not for us', ((cpu(pid) - before) / total).toFixed(1), 'us');
  await stage.end();
}

// A bot is held to 50 calls a second, so there are many; what is measured is the daemon, not the pace.
async function answered(server, how) {
  const stage = await build(server, { count: bots });
  await measure('Discord:', stage.pid, (n) => stage.ask(n, how.question), bots, how, 'bots');
  await stage.end();
}

const fill = ({ world, people }, app, ann) => {
  for (let n = 0; n < guilds; n++) {
    const guild = world.addGuild(`Guild ${n}`, { owner: ann });
    for (let i = 0; i < rooms; i++) world.addChannel(guild, `room-${i}`);
    people.addApp(ann, guild, app);
  }
};

// The daemon in one guild, and in so many more.
async function manyGuilds(server, { question, tools: { resident, print } }) {
  const sizes = [];
  for (const before of [undefined, fill]) {
    const stage = await build(server, { before });
    await stage.ask(0, question); // said after all guilds, and answered when they were read
    await until('all guilds to be on record', async () => (await stage.daemon.json('installation', 'list')).length >= (before ? guilds : 1), 120);
    await wait(500);
    sizes.push(resident(stage.pid));
    await stage.end();
  }
  print(`Discord: memory with ${guilds} guilds of ${rooms} channels`, sizes[1].toFixed(1), `MB (one guild ${sizes[0].toFixed(1)})`);
}

// how: as in rows.mjs, with the question.
export async function discordRows(server, how) {
  await answered(server, how);
  await ignored(server, how);
  await manyGuilds(server, how);
}
