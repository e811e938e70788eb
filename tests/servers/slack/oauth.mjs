// "Add to Slack": the page where a person agrees, and the exchange of codes and refresh tokens.
import { randomBytes } from 'node:crypto';
import { refuse } from './refusal.mjs';

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (response, status, body) => response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(`<!DOCTYPE html><html><body>${body}</body></html>`);

// The app and the request, or what is wrong with it.
function wanted(slack, query) {
  const app = slack.apps.find((a) => a.clientId === query.get('client_id'));
  if (!app) return { wrong: 'invalid_client_id' };
  const scopes = (query.get('scope') ?? '').split(',').filter(Boolean);
  if (scopes.length === 0) return { wrong: 'no_scopes' };
  const unknown = scopes.filter((scope) => !/^[a-z_]+(:[a-z_.]+)*$/.test(scope));
  if (unknown.length) return { wrong: 'invalid_scope' };
  const redirect = query.get('redirect_uri') ?? app.redirectUrls[0];
  if (!redirect || !app.redirectUrls.some((url) => redirect === url || redirect.startsWith(`${url.replace(/\/$/, '')}/`))) return { wrong: 'bad_redirect_uri' };
  if (!redirect.startsWith('https://')) return { wrong: 'bad_redirect_uri' };
  return { app, scopes, redirect, state: query.get('state') };
}

const back = (response, redirect, fields) => {
  const url = new URL(redirect);
  for (const [name, value] of Object.entries(fields)) if (value !== null) url.searchParams.set(name, value);
  response.writeHead(302, { location: url.href }).end();
};

export function authorize(slack, request, response) {
  const url = new URL(request.url, slack.base);
  const asked = wanted(slack, url.searchParams);
  slack.counts.authorizePages++;
  if (asked.wrong) return page(response, 400, `<h1>Something went wrong</h1><p>${escape(asked.wrong)}</p>`);
  const link = (fields) => `/oauth/v2/decide?${new URLSearchParams({ ...Object.fromEntries(url.searchParams), ...fields })}`;
  const choices = [...slack.world.teams.values()].map((t) => `<a class="allow" href="${escape(link({ pick: t.id }))}">Allow ${escape(t.name)}</a>`);
  for (const org of slack.world.orgs.values()) choices.push(`<a class="allow" href="${escape(link({ pick: org.id }))}">Allow ${escape(org.name)}</a>`);
  page(response, 200, `<h1>${escape(asked.app.name)} asks for ${escape(asked.scopes.join(' '))}</h1>${choices.join('')}<a class="cancel" href="${escape(link({ pick: '' }))}">Cancel</a>`);
}

// What the person chose: a workspace, an organisation, or nothing.
export function decide(slack, request, response) {
  const { searchParams: query } = new URL(request.url, slack.base);
  const asked = wanted(slack, query);
  if (asked.wrong) return page(response, 400, escape(asked.wrong));
  const pick = query.get('pick');
  if (!pick) return back(response, asked.redirect, { error: 'access_denied', state: asked.state });
  const team = slack.world.teams.get(pick), org = slack.world.orgs.get(pick);
  if (!team && (!org || !asked.app.orgReady)) return page(response, 400, 'no such workspace');
  const code = `${randomBytes(6).toString('hex')}.${randomBytes(16).toString('hex')}`;
  const user = [...slack.world.users.values()].find((u) => !u.isBot && (u.team === team || (org && u.team.org === org)));
  slack.codes.set(code, { app: asked.app, team: team ?? null, org: org ?? null, user, scopes: asked.scopes.filter((s) => !slack.knobs.declined.includes(s)),
    redirect: query.get('redirect_uri'), until: Date.now() + slack.knobs.codeMs });
  back(response, asked.redirect, { code, state: asked.state });
}

function clientOf({ slack, request, args }) {
  const basic = /^Basic (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  const [id, ...secret] = basic ? Buffer.from(basic, 'base64').toString('utf8').split(':') : [args.client_id, args.client_secret];
  const app = slack.apps.find((a) => a.clientId === id);
  if (!app) refuse('invalid_client_id');
  if (secret.join(':') !== app.clientSecret) refuse('bad_client_secret');
  return app;
}

function answer(installation, app, user) {
  const { team, org, bot } = installation;
  return {
    ...installation.granted, token_type: 'bot', scope: installation.scopes.join(','), bot_user_id: bot.id, app_id: app.id,
    team: team ? { id: team.id, name: team.name } : null, enterprise: org || team.org ? { id: (org ?? team.org).id, name: (org ?? team.org).name } : null,
    is_enterprise_install: !!org, authed_user: { id: user?.id },
  };
}

export function exchange(call) {
  const { slack, args } = call;
  const app = clientOf(call);
  if (args.grant_type === 'refresh_token') return refresh(app, args.refresh_token);
  if (args.grant_type !== undefined && args.grant_type !== 'authorization_code') refuse('invalid_grant_type');
  const found = slack.codes.get(args.code);
  slack.codes.delete(args.code);
  if (!found || found.app !== app || found.until < Date.now()) refuse('invalid_code');
  if ((found.redirect ?? undefined) !== args.redirect_uri) refuse('bad_redirect_uri');
  const installation = app.install(found);
  slack.counts.exchanges++;
  return answer(installation, app, found.user);
}

// Single use: a refresh token that is used again is refused.
function refresh(app, token) {
  const installation = app.installations.find((i) => i.refreshTokens.has(token));
  const entry = installation?.refreshTokens.get(token);
  if (!entry || entry.used || !installation.active) refuse('invalid_refresh_token');
  entry.used = true;
  app.slack.counts.refreshed++;
  installation.granted = installation.issue();
  return answer(installation, app, null);
}
