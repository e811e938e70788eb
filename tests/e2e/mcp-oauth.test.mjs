// Servers of tools that want OAuth: a person logs in once, after that everything goes on by itself, over restarts too, and
// no token is ever seen where it does not belong.
import test from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { ModelServer } from '../servers/model.mjs';
import { OAuthServer } from '../servers/mcp-oauth.mjs';
import { Daemon, until } from './harness.mjs';

const storeKey = Buffer.alloc(32, 7).toString('base64');
let model;
test.before(async () => { model = await new ModelServer().start(); });
test.after(() => model.stop());

async function locked(t, options) {
  const server = await new OAuthServer(options).start();
  t.after(() => server.stop());
  return server;
}

async function withServer(t, server, oauth, { key = storeKey } = {}) {
  const daemon = await new Daemon({
    ...(key && { store: { key } }),
    models: [{ name: 'main', provider: 'openai', base_url: model.base, model: 'call', api_key: model.key }],
    tools: { mcp: [{ name: 's', trusted: true, url: server.url, ...(oauth && { oauth }) }], policy: [{ do: 'allow' }] },
  }).start();
  t.after(() => daemon.finish());
  daemon.key = await daemon.addUser('ann');
  daemon.state = async () => (await daemon.json('status')).mcp.find((one) => one.name === 's');
  daemon.reaches = (state) => until(`the server to be ${state}`, async () => (await daemon.state())?.state === state);
  daemon.call = async (tool) => (await daemon.chat(daemon.key, `${tool} {}`)).body.response;
  daemon.login = async () => (await daemon.json('tool', 'login', 's')).url;
  daemon.quiet = () => {
    const secrets = [...server.access.keys(), ...server.refresh.keys(), ...[...server.clients.values()].map((one) => one.client_secret)];
    for (const secret of secrets.filter(Boolean))
      assert.ok(daemon.lines.every((line) => !line.includes(secret)), 'a secret is in the log');
  };
  return daemon;
}

// ---- the stand-in is what it claims to be --------------------------------------------------------------------

test("the SDK's own client logs in at the stand-in", async (t) => {
  const server = await locked(t);
  const kept = {};
  const provider = {
    redirectUrl: 'http://127.0.0.1:1/back',
    clientMetadata: { client_name: 'proof', redirect_uris: ['http://127.0.0.1:1/back'], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] },
    state: () => 'a-state',
    clientInformation: () => kept.client,
    saveClientInformation: (client) => { kept.client = client; },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => { kept.tokens = tokens; },
    redirectToAuthorization: (url) => { kept.url = url; },
    saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    codeVerifier: () => kept.verifier,
  };
  const transport = new StreamableHTTPClientTransport(new URL(server.url), { authProvider: provider });
  await assert.rejects(new Client({ name: 'proof', version: '1' }).connect(transport), UnauthorizedError);
  await transport.finishAuth(new URL(await server.agree(kept.url)).searchParams.get('code'));
  const again = new StreamableHTTPClientTransport(new URL(server.url), { authProvider: provider });
  const client = new Client({ name: 'proof', version: '1' });
  await client.connect(again);
  assert.match((await client.callTool({ name: 'who', arguments: {} })).content[0].text, /^who for .* with look/);
  server.revoke();
  assert.match((await client.callTool({ name: 'who', arguments: {} })).content[0].text, /^who for/);
  assert.equal(server.count('/token', 'refresh_token'), 1);
  await client.close();
});

// ---- a person ------------------------------------------------------------------------------------------------

test('a person logs in once; tokens are refreshed, rotated and survive a restart; nobody sees them', async (t) => {
  const server = await locked(t);
  const daemon = await withServer(t, server);
  await daemon.reaches('waiting for authorization');
  assert.match((await daemon.state()).why, /usher tool login s/);
  assert.match((await daemon.cli('tool', 'list')).stdout, /waiting for authorization/);
  assert.match((await daemon.cli('doctor')).stdout, /s: waiting for authorization: .*usher tool login s/);

  const back = await server.agree(await daemon.login());
  assert.match(back, /^http:\/\/127\.0\.0\.1:\d+\/mcp\/callback\/s\?/);
  const page = await fetch(back);
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  await daemon.reaches('ready');
  assert.match(await daemon.call('s__who'), /who for .* with look offline_access/);
  assert.equal((await fetch(back)).status, 400, 'a state is good once');

  server.revoke(); // the next call finds out, and is put again with a new token: it was not done
  assert.match(await daemon.call('s__who'), /who for/);
  assert.equal(server.count('/token', 'refresh_token'), 1);

  daemon.quiet();
  await daemon.kill();
  server.revoke();
  await daemon.start();
  await daemon.reaches('ready');
  assert.equal(server.count('/register'), 1, 'the registration was kept');
  assert.equal(server.count('/token', 'refresh_token'), 2, 'and the token that was rotated');
  assert.match(await daemon.call('s__who'), /who for/);

  const mistyped = await daemon.cli('tool', 'logout', 'S');
  assert.equal(mistyped.status, 1, 'who believes to have logged out has');
  assert.match(mistyped.stderr, /no server "S"/);
  const out = await daemon.cli('tool', 'logout', 's');
  assert.equal(out.status, 0, out.stderr);
  await daemon.reaches('waiting for authorization');
  await daemon.stop();
  await daemon.start();
  await daemon.reaches('waiting for authorization');
  daemon.quiet();
});

// The new token was made and never arrived; the old access token is still good for long.
for (const grace of [true, false])
  test(`killed while a token is exchanged, at a server ${grace ? 'that allows for lost answers: it is done again at once' : 'that does not: a person is asked for in time'}`, async (t) => {
    const server = await locked(t, { grace });
    const daemon = await withServer(t, server);
    await daemon.reaches('waiting for authorization');
    await fetch(await server.agree(await daemon.login()));
    await daemon.reaches('ready');
    Object.assign(server, { refuseOnce: true, swallow: true });
    const lost = daemon.call('s__who').catch(() => {});
    await until('the exchange', () => server.count('/token', 'refresh_token') === 1);
    await daemon.kill();
    await lost;
    await daemon.start();
    await until('the second exchange', () => server.count('/token', 'refresh_token') === 2);
    if (grace) {
      const newest = [...server.access.keys()].at(-1);
      await until('a call with the new token', async () => /who for/.test(await daemon.call('s__who')) && server.calls.at(-1).authorization === `Bearer ${newest}`);
      await daemon.kill();
      server.revoke();
      await daemon.start();
      await daemon.reaches('ready'); // who asks before is answered without its tools
      assert.match(await daemon.call('s__who'), /who for/, 'the new refresh token was kept');
      assert.equal(server.count('/token', 'refresh_token'), 3);
      return;
    }
    await until('the cure', async () => /does not renew our token.*usher tool login s/.test((await daemon.state())?.why));
    await daemon.reaches('ready');
    assert.match(await daemon.call('s__who'), /who for/, 'as long as its token lasts');
    server.revoke();
    for (let i = 0; i < 2; i++) assert.match(await daemon.call('s__who'), /usher tool login s/, 'whoever asks for it is told');
    await fetch(await server.agree(await daemon.login()));
    await daemon.reaches('ready');
    assert.match(await daemon.call('s__who'), /who for/);
    daemon.quiet();
  });

test('the address is pasted where the browser does not reach the daemon; a foreign one does nothing', async (t) => {
  const server = await locked(t);
  const daemon = await withServer(t, server);
  await daemon.reaches('waiting for authorization');
  const back = new URL(await server.agree(await daemon.login()));
  const foreign = new URL(back);
  foreign.searchParams.set('state', 'somebody-elses-state-of-some-length-000000');
  assert.equal((await fetch(foreign)).status, 400);
  assert.equal((await daemon.cli('tool', 'login', 's', foreign.href)).status, 1);
  const pasted = await daemon.cli('tool', 'login', 's', back.href);
  assert.equal(pasted.status, 0, pasted.stderr);
  assert.match(pasted.stdout, /Authorized/);
  await daemon.reaches('ready');
});

test('an answer of another issuer is refused, and said', async (t) => {
  const server = await locked(t);
  const daemon = await withServer(t, server);
  await daemon.reaches('waiting for authorization');
  const back = new URL(await server.agree(await daemon.login()));
  back.searchParams.set('iss', `${server.issuer}/`);
  assert.equal((await daemon.cli('tool', 'login', 's', back.href)).status, 1);
  assert.equal(server.count('/token'), 0, 'the code was sent nowhere');
});

test('a call that wants more rights: the cure is told, the next login asks for all of them', async (t) => {
  const server = await locked(t);
  const daemon = await withServer(t, server);
  await daemon.reaches('waiting for authorization');
  await fetch(await server.agree(await daemon.login()));
  await daemon.reaches('ready');
  assert.match(await daemon.call('s__change'), /usher tool login s/);
  assert.match(await daemon.call('s__who'), /who for/, 'the others go on');
  await fetch(await server.agree(await daemon.login()));
  await until('more rights', async () => /change for .* with look offline_access change/.test(await daemon.call('s__change')));
});

test('without store.key a login would be lost: it is refused with the cure', async (t) => {
  const server = await locked(t);
  const daemon = await withServer(t, server, undefined, { key: null });
  await daemon.reaches('waiting for authorization');
  const refused = await daemon.cli('tool', 'login', 's');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /store\.key/);
});

for (const [how, options, why] of [
  ['in a private network', { named: 'https://10.0.0.1/metadata' }, /the host is not a public one/],
  ['without https', { named: 'http://169.254.169.254/latest' }, /without https/],
  ['that redirect', { odd: 'redirect' }, /no metadata|it answered|could not/],
  ['without end', { odd: 'huge' }, /could not be fetched/],
])
  test(`a server that names metadata ${how}: no login, and the reason`, async (t) => {
    const server = await locked(t, options);
    const daemon = await withServer(t, server);
    await daemon.reaches('waiting for authorization');
    const refused = await daemon.cli('tool', 'login', 's');
    assert.equal(refused.status, 1, refused.stdout);
    assert.match(refused.stderr, why);
    assert.equal(server.trapped, 0, 'redirects are not followed');
  });

test('an authorization server that repeats in its errors what it was sent: nothing of it is shown', async (t) => {
  const server = await locked(t, { odd: 'echo' });
  const daemon = await withServer(t, server);
  await daemon.reaches('waiting for authorization');
  await fetch(await server.agree(await daemon.login()));
  await daemon.reaches('ready');
  const [token] = server.refresh.keys();
  server.forget();
  await daemon.call('s__who');
  await daemon.reaches('waiting for authorization');
  assert.match((await daemon.state()).why, /invalid_grant x+ grant_type=refresh_token/, 'the rest of it is said');
  for (const said of [JSON.stringify(await daemon.state()), ...daemon.lines])
    assert.ok(!said.includes(token.slice(0, 14)), said);
});

test('the key is changed: what the old one had sealed is opened, and sealed with the new one', async (t) => {
  const server = await locked(t);
  const daemon = await withServer(t, server);
  await daemon.reaches('waiting for authorization');
  await fetch(await server.agree(await daemon.login()));
  await daemon.reaches('ready');
  const fresh = Buffer.alloc(32, 9).toString('base64');
  for (const store of [{ key: fresh, key_previous: storeKey }, { key: fresh }]) {
    await daemon.stop();
    daemon.configure({ ...daemon.settings, store });
    await daemon.start();
    await daemon.reaches('ready');
  }
  assert.equal(server.count('/authorize'), 1, 'nobody had to log in again');
});

// ---- nobody ----------------------------------------------------------------------------------------------------

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
for (const [how, client, oauth] of [
  ['a secret', { client_secret: 'machine secret: %+1' }, { client_secret: 'machine secret: %+1' }],
  ['a signature', { key: publicKey.export({ type: 'spki', format: 'pem' }) }, { private_key: pem }],
])
  test(`client_credentials with ${how}: usher gets its tokens itself, also those with more rights`, async (t) => {
    const server = await locked(t);
    server.clients.set('usher-1', { client_id: 'usher-1', ...client });
    const daemon = await withServer(t, server, { grant: 'client_credentials', client_id: 'usher-1', ...oauth }, { key: null });
    await daemon.reaches('ready');
    assert.match(await daemon.call('s__who'), /who for usher-1 with look"/);
    assert.match(await daemon.call('s__change'), /change for usher-1 with look change/);
    server.revoke();
    assert.match(await daemon.call('s__who'), /who for usher-1/);
    assert.equal((await daemon.cli('tool', 'login', 's')).status, 1);
    daemon.quiet();
  });
