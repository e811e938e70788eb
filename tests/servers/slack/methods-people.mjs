// Who is who: auth.*, users.*, bots.*, team.*, apps.*, oauth.*.
import { exchange } from './oauth.mjs';
import { page, refuse } from './refusal.mjs';

function whoAmI({ installation, app }) {
  if (!installation) return { app_name: app.name, app_id: app.id };
  const { team, org, bot } = installation;
  const domain = (team ?? org.teams[0]).domain;
  return {
    url: `https://${domain}.slack.com/`, team: (team ?? org).name, user: bot.name, team_id: (team ?? org).id, user_id: bot.id, bot_id: installation.botId,
    ...((org ?? team.org) && { enterprise_id: (org ?? team.org).id }), is_enterprise_install: !!org,
  };
}

function user({ world, installation, args }) {
  const found = world.users.get(args.user);
  if (!found) refuse('user_not_found');
  if (!installation.covers(found.team) && !found.visible) refuse('user_not_visible');
  return {
    user: {
      id: found.id, team_id: found.team.id, name: found.name, deleted: found.deleted, real_name: found.realName, is_bot: found.isBot, is_app_user: false, is_restricted: false,
      is_ultra_restricted: false, tz: 'Europe/Berlin', tz_offset: 3600, locale: args.include_locale ? 'en-GB' : undefined,
      profile: { real_name: found.realName, display_name: found.displayName ?? '', team: found.team.id, image_72: '', ...(found.isBot && { api_app_id: found.app?.id }) },
    },
  };
}

function bot({ world, args }) {
  const found = [...world.users.values()].find((u) => u.botId === args.bot);
  if (!found) refuse('bot_not_found');
  return { bot: { id: found.botId, deleted: false, name: found.name, updated: 1700000000, app_id: found.app?.id, user_id: found.id, icons: {} } };
}

function openSocket({ app, slack }) {
  if (!app.socketMode) refuse('forbidden_team');
  if (app.linkDisabled) refuse('link_disabled');
  return { url: slack.sockets.url(app) };
}

export const people = {
  'api.test': { token: 'none', tier: 4, takes: ['foo', 'error'], run: ({ args }) => (args.error ? refuse(args.error) : { args }) },
  'auth.test': { token: 'any', tier: 'test', run: whoAmI },
  'auth.revoke': {
    tier: 3, takes: ['test'],
    run({ installation, app, slack }) {
      if (!app.rotation) slack.uninstall(installation);
      else installation.tokens.at(-1).revoked = 'token_revoked';
      return { revoked: true };
    },
  },
  'auth.teams.list': {
    tier: 2, takes: ['cursor', 'limit', 'include_icon'],
    run({ installation, args }) {
      const shown = page(installation.org ? installation.org.teams : [installation.team], args, 100, 1000);
      return { teams: shown.list.map((t) => ({ id: t.id, name: t.name })), response_metadata: shown.response_metadata };
    },
  },
  'apps.uninstall': {
    tier: 1, form: true, needs: ['client_id', 'client_secret'],
    run({ installation, app, args, slack }) {
      if (args.client_id !== app.clientId) refuse('client_id_token_mismatch');
      if (args.client_secret !== app.clientSecret) refuse('bad_client_secret');
      slack.uninstall(installation);
      return {};
    },
  },
  'apps.connections.open': { token: 'app', headerOnly: true, tier: 3, run: openSocket },
  'apps.event.authorizations.list': {
    token: 'app', headerOnly: true, tier: 4, form: true, needs: ['event_context'], takes: ['cursor', 'limit'],
    run({ app, world, args }) {
      const [id, channel] = Buffer.from(String(args.event_context).slice(2), 'base64url').toString('utf8').split(':');
      if (id !== app.id) refuse('invalid_event_context');
      const place = world.channels.get(channel);
      const seeing = app.installations.filter((i) => i.active && place?.members.has(i.bot.id));
      return { authorizations: seeing.map((i) => ({ enterprise_id: i.org?.id ?? null, team_id: i.team?.id ?? null, user_id: i.bot.id, is_bot: true, is_enterprise_install: !!i.org })) };
    },
  },
  'users.info': { scope: 'users:read', tier: 4, form: true, needs: ['user'], takes: ['include_locale'], run: user },
  'bots.info': { scope: 'users:read', tier: 3, form: true, needs: ['bot'], run: bot },
  'team.info': {
    scope: 'team:read', tier: 3, form: true, takes: ['team', 'domain'],
    run: ({ installation }) => ({ team: { id: (installation.team ?? installation.org).id, name: (installation.team ?? installation.org).name, domain: installation.team?.domain ?? '' } }),
  },
  'oauth.v2.access': { token: 'none', form: true, tier: 'oauth', takes: ['code', 'redirect_uri', 'client_id', 'client_secret', 'code_verifier', 'grant_type', 'refresh_token'], run: exchange },
};
