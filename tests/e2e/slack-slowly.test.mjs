// Slack is still at it when nobody waits for its answer any more: what it says later must not be said twice.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ModelServer } from '../servers/model.mjs';
import { stage } from './slack-kit.mjs';
import { until } from './harness.mjs';

const slowlyMs = 1500;
let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

// Holds the first post back and ends the wait for it. began, made: promises.
function holdFirst(s, end) {
  const { api } = s.slack, serve = api.serve.bind(api);
  let held = 0, begun;
  const began = new Promise((resolve) => (begun = resolve));
  const made = new Promise((resolve) => {
    api.serve = async (request, response, body) => {
      const first = request.url.endsWith('/chat.postMessage') && held++ === 0;
      if (first) {
        await end(request);
        begun();
        await s.slack.pause(slowlyMs);
      }
      await serve(request, response, body);
      if (first) resolve();
    };
  });
  return { began, made };
}

for (const [what, ends] of Object.entries({ killed: (s) => s.daemon.kill(), 'cut off': (s, request) => request.socket.destroy() }))
  test(`${what} while Slack takes its time: said once`, async (t) => {
    const s = await stage(t, model, { transport: 'http', modelName: 'ids', slack: { knobs: { retries: Array(50).fill(200) } } });
    const { began, made } = holdFirst(s, (request) => ends(s, request));
    s.people.say(s.ann, s.channel, s.mention('question [#1]'), { wants: '1' });
    await began;
    if (s.daemon.exited) await s.up(); // at once: it looks whether the answer arrived
    await made;
    await until('the answer to be on record', async () => /usher_slack_sends_total\{[^}]*"accepted"\} [1-9]/.test((await s.daemon.request('GET', '/metrics')).raw), 30);
    await s.settled();
    assert.deepEqual(s.slack.tally.report().twice, []);
    assert.ok(s.slack.tally.answered('1'));
  });
