// The stand-in Discord behaves as the real one (the sheet's sections stand in brackets): proved by discord.js and oceanic.js before
// usher is tested against it. What libraries keep us from doing wrong is in discord-stand-in.test.mjs.
import test from 'node:test';
import assert from 'node:assert/strict';
import { connected, faces, heard, noContent, refused, said, stage } from './discord-faces.mjs';
import { until, wait } from './harness.mjs';

const together = { concurrency: 8 }; // most of the time the libraries wait
const parts = [];
const part = (title, run) => parts.push([title, run]);

for (const name of Object.keys(faces)) {
  part(`${name} and the gateway`, async (suite) => {
    const it = (title, options, run) => suite.test(title, async (t) => run(await stage(t, options)));
    await Promise.all([
      it('identifies and hears mentions, direct messages, edits and deletions (4, 9)', {}, async (s) => {
        const { people, ann, app, channel, discord, guild } = s, face = await connected(s, name);
        assert.equal(discord.counts.identifies, 1);
        const asked = people.mention(ann, channel, app, 'good morning'), dm = people.tell(ann, app, 'between us');
        const first = await heard(face, 'good morning'), second = await heard(face, 'between us');
        assert.deepEqual([first.id, first.guild_id, first.mentions[0].id, first.channel_type], [asked.id, guild.id, app.user.id, 0]);
        assert.deepEqual([second.id, second.guild_id, second.member, second.channel_type], [dm.id, undefined, undefined, 1]);
        people.edit(asked, 'good evening');
        people.remove(dm);
        people.react(ann, asked, '👍');
        const edited = await until('the edit', () => said(face, 'MESSAGE_UPDATE')[0]);
        assert.deepEqual([edited.content, typeof edited.edited_timestamp], ['good evening', 'string']);
        assert.equal((await until('the deletion', () => said(face, 'MESSAGE_DELETE')[0])).id, dm.id);
        assert.equal((await until('the reaction', () => said(face, 'MESSAGE_REACTION_ADD')[0])).emoji.name, '👍');
        assert.deepEqual(face.errors, []);
      }),
      it('reads nothing without the intent, but what is meant for it (1)', { app: { content: false } }, async (s) => {
        const { people, ann, app, channel } = s, face = await connected(s, name, { ask: noContent });
        const other = people.say(ann, channel, 'not for you', { files: [{ name: 'a.txt', bytes: 'a' }] }), own = await face.send(channel.id, { content: 'my own words' });
        people.mention(ann, channel, app, 'for you');
        people.reply(ann, s.world.channels.get(channel.id).find(own.id), 'a reply to you');
        people.tell(ann, app, 'in private');
        for (const words of ['my own words', 'for you', 'a reply to you', 'in private']) await heard(face, words);
        const dark = said(face).find((d) => d.id === other.id);
        assert.deepEqual([dark.content, dark.attachments], ['', []]);
      }),
      it('resumes over the address of READY and gets what it missed, in order (6)', { knobs: { replayExtra: 1 } }, async (s) => {
        const { people, ann, app, channel, discord } = s, face = await connected(s, name);
        people.mention(ann, channel, app, 'before');
        await heard(face, 'before');
        discord.gateway.cut(app);
        for (const n of [1, 2, 3]) people.mention(ann, channel, app, `missed ${n}`);
        await heard(face, 'missed 3');
        await until('RESUMED', () => face.packets.some((p) => p.t === 'RESUMED'));
        assert.deepEqual([...new Set(said(face).map((d) => d.content.split('> ')[1]))], ['before', 'missed 1', 'missed 2', 'missed 3']);
        assert.ok(said(face).filter((d) => d.content.includes('before')).length === 2, 'an event that was seen comes again');
        assert.deepEqual([discord.counts.identifies, discord.counts.resumed, discord.gateway.resumes[0].url], [1, 1, 'resume']);
      }),
      it('follows op 7 and op 9 (6.4)', {}, async (s) => {
        const { people, ann, app, channel, discord } = s, face = await connected(s, name);
        discord.gateway.reconnect(app);
        await until('a resume', () => discord.counts.resumed === 1);
        people.mention(ann, channel, app, 'after op 7');
        await heard(face, 'after op 7');
        discord.gateway.invalid(app, true);
        await until('another resume', () => discord.counts.resumed === 2);
        people.mention(ann, channel, app, 'resumed again');
        await heard(face, 'resumed again'); // discord.js breaks when its session ends while it takes RESUMED
        assert.equal(discord.counts.identifies, 1);
        discord.gateway.invalid(app, false);
        await until('a new session', () => discord.counts.ready === 2);
        people.mention(ann, channel, app, 'after op 9');
        await heard(face, 'after op 9');
      }),
      it('begins anew when its session is gone (6.4)', {}, async (s) => {
        const { people, ann, app, channel, discord } = s, face = await connected(s, name);
        discord.gateway.forget(app);
        await until('a new session', () => discord.counts.ready === 2);
        assert.equal(discord.counts.staleResumes, 1);
        people.mention(ann, channel, app, 'here again');
        await heard(face, 'here again');
      }),
      it('takes a connection without acknowledgements for dead (6.1)', { knobs: { heartbeatMs: 1000, beatsMissed: 60 } }, async (s) => {
        const { discord } = s;
        await connected(s, name);
        await until('heartbeats', () => discord.counts.beats > 1);
        discord.knobs.noAck = true;
        await until('a resume', () => discord.counts.resumes > 0);
        discord.knobs.noAck = false;
        await until('RESUMED', () => discord.counts.resumed > 0);
      }),
      it('runs shards: guilds by their id, direct messages on the first (8)', { app: { maxConcurrency: 2 } }, async (s) => {
        const { discord, world, people, ann, app } = s;
        const homes = [0, 1].map((shard) => world.addGuild(`shard ${shard}`, { shard, shards: 2, members: [ann] })), channels = homes.map((g) => world.addChannel(g, 'talk'));
        for (const home of homes) people.addApp(ann, home, app);
        const face = await connected(s, name, { shards: 2 });
        assert.deepEqual(discord.gateway.identifies.map((i) => i.shard), [[0, 2], [1, 2]]);
        for (const [i, channel] of channels.entries()) people.mention(ann, channel, app, `to shard ${i}`);
        people.tell(ann, app, 'to the first');
        for (const words of ['to shard 0', 'to shard 1', 'to the first']) await heard(face, words);
        await wait(20);
        assert.deepEqual(face.packets.filter((p) => p.t === 'MESSAGE_CREATE').map((p) => [p.d.content.replace(/^<@\d+> /, ''), p.shard]).sort(), [['to shard 0', 0], ['to shard 1', 1], ['to the first', 0]]);
        discord.gateway.cut(app, 1);
        await until('a resume', () => discord.counts.resumed === 1);
        assert.deepEqual(discord.gateway.resumes.map((r) => r.shard), [[1, 2]]);
      }),
      it('is told when guilds come, go and are out of reach (3)', {}, async (s) => {
        const { world, people, ann, app, guild } = s, face = await connected(s, name);
        const other = world.addGuild('Other', { members: [ann] });
        people.addApp(ann, other, app);
        await until('the new guild', () => said(face, 'GUILD_CREATE').some((d) => d.id === other.id && d.name === 'Other'));
        people.outage(guild);
        people.kick(app, other);
        await until('both to go', () => said(face, 'GUILD_DELETE').length === 2);
        assert.deepEqual(said(face, 'GUILD_DELETE'), [{ id: guild.id, unavailable: true }, { id: other.id }]);
        people.back(guild);
        await until('it to be back', () => said(face, 'GUILD_CREATE').filter((d) => d.id === guild.id).length === 2);
      }),
    ]);
  });

  part(`${name} and the REST API`, async (suite) => {
    const it = (title, options, run) => suite.test(title, async (t) => run(await stage(t, options)));
    await Promise.all([
      it('writes, replies, edits, deletes and reads back (14, 17)', {}, async (s) => {
        const { people, ann, app, channel, discord } = s, face = await connected(s, name), asked = people.mention(ann, channel, app, 'a question');
        const reply = await face.send(channel.id, { content: ' an answer ', replyTo: asked.id });
        const stored = channel.find(reply.id);
        assert.deepEqual([stored.content, stored.type, stored.reference.message_id, stored.author], ['an answer', 19, asked.id, app.user]);
        await face.edit(channel.id, reply.id, 'a better answer');
        assert.deepEqual(stored.writes.map((w) => w.content), ['an answer', 'a better answer']);
        await face.react(channel.id, asked.id, '👀');
        await face.typing(channel.id);
        assert.ok(asked.reactions.get('👀').has(app.user.id) && channel.typed.some((entry) => !entry.ended));
        const more = Array.from({ length: 120 }, (_, i) => people.say(ann, channel, `line ${i}`));
        assert.deepEqual((await face.list(channel.id, { limit: 3 })).map((m) => m.content), ['line 119', 'line 118', 'line 117'], 'newest first');
        assert.deepEqual((await face.list(channel.id, { limit: 3, after: more[9].id })).map((m) => m.content), ['line 12', 'line 11', 'line 10'], 'the oldest ones after it');
        assert.deepEqual((await face.list(channel.id, { limit: 2, before: more[9].id })).map((m) => m.content), ['line 8', 'line 7']);
        assert.deepEqual((await face.list(channel.id, { limit: 3, around: more[9].id })).map((m) => m.content), ['line 10', 'line 9', 'line 8']);
        await face.remove(channel.id, reply.id);
        assert.ok(stored.deleted);
        await assert.rejects(face.edit(channel.id, reply.id, 'too late'), refused(10008));
        assert.equal(discord.counts.badAgents > 0, name === 'oceanic.js', 'a User-Agent of another form is counted');
      }),
      it('counts code points and refuses nothing else than too much or nothing (12, 14)', {}, async (s) => {
        const { channel } = s, face = await connected(s, name);
        assert.equal((await face.send(channel.id, { content: '🦊'.repeat(2000) })).content.length, 4000);
        await assert.rejects(face.send(channel.id, { content: '🦊'.repeat(2001) }), (error) => {
          assert.equal(error.code, 50035);
          assert.match(JSON.stringify(error.rawError ?? error.resBody), /"content":\{"_errors":\[\{"code":"BASE_TYPE_MAX_LENGTH"/);
          return true;
        });
        await assert.rejects(face.send(channel.id, { content: '   ' }), refused(50006));
      }),
      it('says the same thing once when the nonce is the same (19)', { knobs: { nonceMs: 120_000 } }, async (s) => {
        const { channel, discord } = s, face = await connected(s, name);
        const [first, again] = [await face.send(channel.id, { content: 'once', nonce: 'n1' }), await face.send(channel.id, { content: 'twice', nonce: 'n1' })];
        assert.deepEqual([again.id, again.content, channel.list.length, discord.counts.repeated], [first.id, 'once', 1, 1]);
        assert.equal((await heard(face, 'once')).nonce, 'n1');
        await face.send(channel.id, { content: 'another', nonce: 'n2' });
        discord.knobs.nonceMs = 10;
        await wait(20);
        const late = await face.send(channel.id, { content: 'late', nonce: 'n1' });
        assert.notEqual(late.id, first.id);
        assert.deepEqual([channel.list.length, discord.counts.reusedNonces, discord.creates.filter((c) => c.existing).length], [3, 1, 1]);
      }),
      it('opens threads and forum posts (17)', {}, async (s) => {
        const { people, ann, app, channel, forum } = s, face = await connected(s, name), asked = people.mention(ann, channel, app, 'a topic');
        const thread = await face.thread(channel.id, asked.id, 'Topic');
        assert.equal(thread.id, asked.id, 'a thread has the id of its message');
        assert.equal((await until('THREAD_CREATE', () => said(face, 'THREAD_CREATE')[0])).parent_id, channel.id);
        await face.send(thread.id, { content: 'in the thread' });
        assert.deepEqual(asked.thread.list.map((m) => m.type), [21, 0]);
        await assert.rejects(face.thread(channel.id, asked.id, 'Again'), (error) => /160004|MessageExistingThread|already/i.test(`${error.code} ${error.message}`));
        const post = await face.post(forum.id, 'A post', 'first words');
        assert.equal(s.world.channels.get(post.id).list[0].id, post.id);
        people.archive(asked.thread);
        await face.send(thread.id, { content: 'still there' });
        assert.equal(asked.thread.archived, false, 'writing brings it back');
        people.archive(asked.thread, { locked: true });
        await assert.rejects(face.send(thread.id, { content: 'shut' }), refused(160005));
      }),
      it('sends and fetches files behind addresses that expire (15)', {}, async (s) => {
        const { people, ann, app, channel, discord } = s, face = await connected(s, name), bytes = Buffer.from('some\r\n--bytes');
        const sent = await face.send(channel.id, { content: 'see', file: { bytes, name: 'täg.txt' } }), { url, size } = face.attachment(sent);
        assert.equal(size, bytes.length);
        assert.match(url, /\?ex=[0-9a-f]+&is=[0-9a-f]+&hm=[0-9a-f]{64}&/);
        assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes);
        assert.equal((await fetch(url.split('?')[0])).status, 404, 'without its query');
        discord.cdn.expire();
        assert.equal((await fetch(url)).status, 404, 'expired');
        const { body: again } = await s.call('GET', `/channels/${channel.id}/messages/${sent.id}`); // oceanic.js keeps the old one
        assert.equal((await fetch(again.attachments[0].url)).status, 200, 'the message gives a new one');
        people.tell(ann, app, 'with a file', { files: [{ name: 'b.txt', bytes: 'bbb' }] });
        const { attachments } = await heard(face, 'with a file');
        assert.equal(await (await fetch(attachments[0].url)).text(), 'bbb');
        assert.equal(discord.counts.expired, 2);
      }),
      it('opens direct messages (17)', {}, async (s) => {
        const { ann, bob, app, people } = s, face = await connected(s, name), id = await face.dm(ann.id);
        assert.equal(await face.dm(ann.id), id, 'there is only one such channel');
        await face.send(id, { content: 'hello ann' });
        assert.equal(s.world.dm(app.user, ann).list[0].content, 'hello ann');
        people.block(bob, app);
        const other = await face.dm(bob.id);
        await assert.rejects(face.send(other, { content: 'hello bob' }), refused(50007));
      }),
      it('keeps within the buckets that headers tell of, and waits after 429 (13)', { limits: { secondMs: 60 } }, async (s) => {
        const { channel, discord } = s, face = await connected(s, name), route = 'POST /channels/:channel/messages';
        await Promise.all(Array.from({ length: 12 }, (_, i) => face.send(channel.id, { content: `line ${i}` })));
        assert.deepEqual(channel.list.map((m) => m.content), Array.from({ length: 12 }, (_, i) => `line ${i}`));
        assert.equal(discord.counts.parallel, 0);
        for (const how of [{ global: true }, { scope: 'shared' }]) {
          const limited = discord.counts.limited, end = discord.fault({ route, kind: 'limited', seconds: 0.08, times: 1, ...how });
          await face.send(channel.id, { content: `after ${JSON.stringify(how)}` });
          assert.ok(discord.counts.limited > limited);
          end();
        }
        assert.equal(channel.list.length, 14);
        assert.equal(discord.limits.impatient, 0, 'nobody asked before the time');
      }),
      it('answers commands over the gateway: defers, replaces, follows up (10)', {}, async (s) => {
        const { people, ann, app, channel, discord } = s, face = await connected(s, name);
        await face.commands([{ name: 'ask', type: 1, description: 'Ask', options: [{ type: 3, name: 'prompt', description: 'Question', required: true }] }, { name: 'Ask usher', type: 3 }]);
        assert.equal(discord.puts.length, 1);
        assert.throws(() => people.command(ann, channel, app, 'nothing'), /no command/);
        const open = people.command(ann, channel, app, 'ask', { prompt: 'why?' });
        await until('the interaction', () => face.interactions.length === 1);
        await face.defer(face.interactions[0]);
        assert.deepEqual([open.response, open.answer, channel.list.length], [5, null, 1], 'it thinks');
        await face.answer(face.interactions[0], 'because');
        await face.follow(face.interactions[0], 'and so on');
        assert.deepEqual([open.answer, open.texts, open.whispered], ['because', ['because', 'and so on'], false]);
        const [shown] = channel.list;
        assert.deepEqual([shown.type, shown.webhookId, shown.interaction.id], [20, app.id, open.id]);
        await assert.rejects(face.defer(face.interactions[0]));
        const quiet = people.menu(ann, people.say(ann, channel, 'look at this'), app, 'Ask usher', {});
        await until('the second', () => face.interactions.length === 2);
        await face.defer(face.interactions[1], true);
        await face.answer(face.interactions[1], 'between us');
        assert.deepEqual([quiet.whispered, quiet.answer, channel.list.some((m) => m.content === 'between us')], [true, 'between us', false]);
        assert.deepEqual(face.errors, []);
      }),
    ]);
  });
}

test('the stand-in Discord', together, (t) => Promise.all(parts.map(([title, run]) => t.test(title, together, run))));
