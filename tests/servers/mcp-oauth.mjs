// A server of tools that wants OAuth, and its authorization server, in one process on two ports. Both are strict: what the
// rules require and is missing is refused. test/e2e proves them with the protocol's own SDK before usher meets them.
//
//   server.url         the MCP endpoint; tools: who (who is asking), change (wants the scope "change")
//   server.log         what the authorization server was asked: { path, form | query, headers }
//   server.refuseOnce  the next request with a good token gets 401 all the same
//   server.swallow     the next answer with a refreshed token never arrives
//   server.revoke()    all access tokens are refused from now on; refresh tokens stay good
//   server.forget()    all tokens are
//   server.agree(url)  what a person does who agrees: the address the browser is sent on to
import { createServer } from 'node:http';
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';

const json = (response, status, value, headers = {}) =>
	response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

const listen = (handler) => new Promise((done) => {
	const server = createServer({ keepAliveTimeout: 60_000 }, handler).listen(0, '127.0.0.1', () => done([server, `http://127.0.0.1:${server.address().port}`]));
});

async function body(request) {
	const parts = [];
	for await (const part of request) parts.push(part);
	return Buffer.concat(parts).toString('utf8');
}

export class OAuthServer {
	// named: what it names as the address of its metadata; odd: "redirect" or "huge" in their place, "echo": its errors repeat what it was sent
	// grace: an old refresh token is good once more after it was rotated
	constructor({ ttl = 3600, rotates = true, grace = false, named, odd } = {}) {
		Object.assign(this, { ttl, rotates, grace, named, odd, trapped: 0, log: [], calls: [], clients: new Map(), codes: new Map(), access: new Map(), refresh: new Map() });
	}

	async start() {
		[this.mcp, this.base] = await listen((q, r) => this.#tools(q, r).catch((error) => r.writeHead(500).end(String(error))));
		[this.as, this.issuer] = await listen((q, r) => this.#authorize(q, r).catch((error) => r.writeHead(500).end(String(error))));
		this.url = `${this.base}/mcp`;
		return this;
	}

	async stop() {
		for (const server of [this.mcp, this.as]) {
			server.closeAllConnections?.();
			await new Promise((done) => server.close(done));
		}
	}

	revoke() { this.access.clear(); }
	forget() { this.access.clear(); this.refresh.clear(); }
	count(path, grant) { return this.log.filter((one) => one.path === path && (!grant || one.form?.get('grant_type') === grant)).length; }

	async agree(url) {
		const answer = await fetch(url, { redirect: 'manual' });
		if (answer.status !== 302)
			throw new Error(`the authorization page answered ${answer.status}: ${await answer.text()}`);
		return answer.headers.get('location');
	}

	// ---- the server of tools -------------------------------------------------------------------------------------

	#refuse(response, status, more = '') {
		json(response, status, { error: 'no' }, { 'www-authenticate':
			`Bearer resource_metadata="${this.named ?? `${this.base}/.well-known/oauth-protected-resource/mcp`}"${more}` });
	}

	async #tools(request, response) {
		const { pathname } = new URL(request.url, this.base);
		if (pathname === '/trap')
			this.trapped++;
		if (pathname.startsWith('/.well-known/') && this.odd === 'redirect')
			return response.writeHead(302, { location: `${this.base}/trap` }).end();
		if (pathname === '/.well-known/oauth-protected-resource/mcp' && this.odd === 'huge')
			return json(response, 200, { resource: this.url, authorization_servers: [this.issuer], more: 'x'.repeat(300 * 1024) });
		if (pathname === '/.well-known/oauth-protected-resource/mcp')
			return json(response, 200, { resource: this.url, authorization_servers: [this.issuer], scopes_supported: ['look'] });
		if (pathname !== '/mcp' || request.method !== 'POST')
			return response.writeHead(pathname === '/mcp' ? 405 : 404).end();
		const message = JSON.parse(await body(request));
		const grant = this.access.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
		this.calls.push({ method: message.method, authorization: request.headers.authorization });
		if (!grant || grant.until < Date.now())
			return this.#refuse(response, 401, ', scope="look"');
		if (this.refuseOnce) {
			this.refuseOnce = false;
			return this.#refuse(response, 401);
		}
		if (message.method === 'tools/call' && message.params.name === 'change' && !grant.scope.split(' ').includes('change'))
			return this.#refuse(response, 403, ', error="insufficient_scope", scope="change"');
		if (message.id === undefined)
			return response.writeHead(202).end();
		return json(response, 200, { jsonrpc: '2.0', id: message.id, ...this.#result(message, grant) });
	}

	#result({ method, params }, grant) {
		if (method === 'initialize')
			return { result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'locked', version: '1' } } };
		if (method === 'tools/list')
			return { result: { tools: ['who', 'change'].map((name) => ({ name, inputSchema: { type: 'object' } })) } };
		if (method === 'tools/call')
			return { result: { content: [{ type: 'text', text: `${params.name} for ${grant.client} with ${grant.scope}` }] } };
		return { error: { code: -32601, message: 'no such method' } };
	}

	// ---- the authorization server -----------------------------------------------------------------------------------

	async #authorize(request, response) {
		const url = new URL(request.url, this.issuer);
		const path = url.pathname;
		if (path === '/.well-known/oauth-authorization-server')
			return json(response, 200, {
				issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token`,
				registration_endpoint: `${this.issuer}/register`, response_types_supported: ['code'],
				code_challenge_methods_supported: ['S256'], scopes_supported: ['look', 'change', 'offline_access'],
				token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
				authorization_response_iss_parameter_supported: true,
			});
		if (path === '/authorize')
			return this.#page(url.searchParams, response);
		const text = request.method === 'POST' ? await body(request) : '';
		if (path === '/register')
			return this.#register(JSON.parse(text), response);
		if (path === '/token')
			return this.#token(new URLSearchParams(text), request.headers, response);
		return response.writeHead(404).end();
	}

	#register(given, response) {
		this.log.push({ path: '/register', given });
		const client = { ...given, client_id: randomUUID(), client_secret: `registered-${randomUUID()}`, client_secret_expires_at: 0 };
		this.clients.set(client.client_id, client);
		json(response, 201, client);
	}

	#page(query, response) {
		this.log.push({ path: '/authorize', query });
		const client = this.clients.get(query.get('client_id'));
		const to = new URL(query.get('redirect_uri'));
		if (!client?.redirect_uris.includes(to.href))
			return response.writeHead(400).end('unknown client or redirect_uri');
		if (query.get('code_challenge_method') !== 'S256' || !query.get('state') || query.get('resource') !== this.url)
			return response.writeHead(400).end('PKCE, state or resource is missing');
		const code = randomUUID();
		this.codes.set(code, { client: client.client_id, challenge: query.get('code_challenge'), redirect: to.href, scope: query.get('scope') ?? '' });
		to.searchParams.set('code', code);
		to.searchParams.set('state', query.get('state'));
		to.searchParams.set('iss', this.issuer);
		return response.writeHead(302, { location: to.href }).end();
	}

	// The client that proves itself, or undefined.
	#client(form, headers) {
		if (form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
			const [head, claims, signature] = form.get('client_assertion').split('.');
			const said = JSON.parse(Buffer.from(claims, 'base64url'));
			const client = this.clients.get(said.sub);
			const good = client && said.iss === said.sub && said.aud === this.issuer && said.exp > Date.now() / 1000 && said.jti &&
				JSON.parse(Buffer.from(head, 'base64url')).alg === 'ES256' &&
				verify('sha256', Buffer.from(`${head}.${claims}`), { key: createPublicKey(client.key), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
			return good ? client : undefined;
		}
		const [id, secret] = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString('utf8').split(':').map(decodeURIComponent);
		const client = this.clients.get(id);
		return client && secret && client.client_secret === secret ? client : undefined;
	}

	#token(form, headers, response) {
		this.log.push({ path: '/token', form, headers });
		const client = this.#client(form, headers), no = (error) => json(response, 400, { error, ...(this.odd === 'echo' && { error_description: `${'x'.repeat(20)} ${form} ${headers.authorization}` }) });
		if (!client) return json(response, 401, { error: 'invalid_client' });
		if (form.get('resource') !== this.url) return no('invalid_target');
		const grant = form.get('grant_type');
		let scope = form.get('scope') ?? '', lasting = true;
		if (grant === 'authorization_code') {
			const code = this.codes.get(form.get('code'));
			this.codes.delete(form.get('code'));
			const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
			if (!code || code.client !== client.client_id || code.challenge !== challenge || code.redirect !== form.get('redirect_uri'))
				return no('invalid_grant');
			scope = code.scope;
		} else if (grant === 'refresh_token') {
			const old = this.refresh.get(form.get('refresh_token'));
			if (!old || old.client !== client.client_id) return no('invalid_grant');
			if (this.rotates && !(this.grace && !old.used)) this.refresh.delete(form.get('refresh_token'));
			old.used = true;
			scope = old.scope;
		} else if (grant === 'client_credentials') {
			lasting = false;
		} else {
			return no('unsupported_grant_type');
		}
		const access = `access-${randomUUID()}`, refresh = `refresh-${randomUUID()}`;
		this.access.set(access, { client: client.client_id, scope, until: Date.now() + this.ttl * 1000 });
		if (lasting) this.refresh.set(refresh, { client: client.client_id, scope });
		if (grant === 'refresh_token' && this.swallow) {
			this.swallow = false;
			return undefined;
		}
		return json(response, 200, { access_token: access, token_type: 'bearer', expires_in: this.ttl, scope, ...(lasting && { refresh_token: refresh }) });
	}
}
